"""How many lanes rotate, and which: partial rotary. Each declares rotary_dim 32."""

import torch
from planting import planted

TABLES = {"pairing": "half", "layout": "bshd", "tables": "repeated", "rotary_dim": 32}
NARROW = {
    "pairing": "half",
    "layout": "bshd",
    "tables": "half-width",
    "table_axes": "s1w",
    "rotary_dim": 32,
}
EVERY_TWO = {**NARROW, "pairing": "interleaved"}
OWN = {
    "pairing": "half",
    "layout": "bshd",
    "tables": "positions",
    "positions": "any",
    "rotary_dim": 32,
}
WHOLE = {"pairing": "half", "layout": "bhsd", "tables": "half-width", "table_axes": "sw"}
LANES, THETA = 32, 10000.0


def turn(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def partly(x, positions, lanes, frequencies):
    angles = (positions[..., None] * frequencies).unsqueeze(-2)
    turned = turn(x[..., :lanes].double(), angles.cos(), angles.sin()).to(x.dtype)
    return torch.cat((turned, x[..., lanes:]), -1)


@planted("over-head-dim", "N8; detector: partial, theta/head_dim", **OWN)
def frequencies_over_head_dim(x, positions):
    return partly(
        x,
        positions,
        LANES,
        THETA ** (-torch.arange(0, LANES, 2, dtype=torch.float64) / x.shape[-1]),
    )


@planted("rotary-dim", "N8: rotary_dim ignored", **OWN)
def rotary_dim_ignored(x, positions):
    width = x.shape[-1]
    return partly(
        x, positions, width, THETA ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    )


@planted("rotary-dim", "F11: a full-width table taken for a half-width one", **TABLES)
def full_width_table_taken_for_half(x, cos, sin):
    lanes = 2 * cos.shape[-1]
    return torch.cat((turn(x[..., :lanes], cos, sin), x[..., lanes:]), -1)


@planted("rotary-dim", "ECOSYSTEM 2.6: Liger with half-width cos and no rotary_dim", **WHOLE)
def half_width_table_taken_for_full(x, cos, sin):
    lanes = cos.shape[-1]
    c, s = cos[..., : lanes // 2], sin[..., : lanes // 2]
    return torch.cat((turn(x[..., :lanes], c, s), x[..., lanes:]), -1)


@planted("rotary-dim", "ECOSYSTEM 2.6: unsloth's kernel, cos narrower than a head", **NARROW)
def pairs_over_head_dim(x, cos, sin):
    half, pairs, out = x.shape[-1] // 2, cos.shape[-1], x.clone()
    a, b = x[..., :pairs], x[..., half : half + pairs]
    out[..., :pairs], out[..., half : half + pairs] = a * cos - b * sin, b * cos + a * sin
    return out


@planted("rotary-dim", "N8: the last lanes rotate", **NARROW)
def last_lanes(x, cos, sin):
    lanes = 2 * cos.shape[-1]
    return torch.cat((x[..., :-lanes], turn(x[..., -lanes:], cos, sin)), -1)


@planted("pairing", "N8: partial and paired the other way", **EVERY_TWO)
def partial_and_half(x, cos, sin):
    lanes = 2 * cos.shape[-1]
    return torch.cat((turn(x[..., :lanes], cos, sin), x[..., lanes:]), -1)


@planted("partly", "N8: the lanes that stand still are lost", **NARROW)
def rest_is_zero(x, cos, sin):
    lanes = 2 * cos.shape[-1]
    return torch.cat((turn(x[..., :lanes], cos, sin), torch.zeros_like(x[..., lanes:])), -1)
