"""Which angle a row, a head and a batch row get. Each declares what it should do."""

import torch
from planting import planted

HALF = {"pairing": "half", "layout": "bshd", "tables": "repeated"}
BATCHED = {**HALF, "table_axes": "bs1w"}
LLAMA = {
    "pairing": "half",
    "layout": "bhsd",
    "tables": "repeated",
    "table_axes": "bsw",
    "arguments": ("q", "k", "cos", "sin"),
}
OWN = {"pairing": "half", "layout": "bshd", "tables": "positions", "positions": "any"}
OWN_INTERLEAVED = {**OWN, "pairing": "interleaved", "layout": "bhsd"}
COUNTED = {**OWN, "positions": "from 0", "arguments": ("x",)}
OFFSET = {**OWN, "positions": "offset", "arguments": ("x", "offset")}
FLASH = {"pairing": "half", "layout": "bshd", "tables": "half-width", "takes_offset": True}
THETA = 10000.0


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def frequencies(width, theta=THETA):
    return theta ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)


def turned(x, angles, axis=-2):
    """Half pairs by angles (..., P) in front of the heads, computed in float64 and rounded once."""
    c, s = angles.cos().unsqueeze(axis), angles.sin().unsqueeze(axis)
    a, b = x.double().chunk(2, -1)
    return torch.cat((a * c - b * s, b * c + a * s), -1).to(x.dtype)


@planted("shifted", "N11: the counter was advanced before the row was read", **HALF)
def row_too_far(x, cos, sin):
    cos, sin = cos.roll(-1, 0), sin.roll(-1, 0)
    return x * cos + rotate_half(x) * sin


@planted("shifted", "N11: a row behind", **LLAMA)
def row_too_near(q, k, cos, sin):
    cos, sin = cos.roll(1, -2).unsqueeze(1), sin.roll(1, -2).unsqueeze(1)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


@planted("offset", "N11; detector: constant offset +1 on q and k", **OWN)
def positions_from_one(x, positions):
    return turned(x, (positions + 1)[..., None] * frequencies(x.shape[-1]))


@planted("offset", "N11: arange(1, n + 1)", **COUNTED)
def counted_from_one(x):
    return turned(x, torch.arange(1, x.shape[1] + 1)[:, None] * frequencies(x.shape[-1]))


@planted("positions-ignored", "N11: decode starts at 0, whatever the position", **OWN_INTERLEAVED)
def counts_for_itself(x, positions):
    angles = torch.arange(x.shape[2])[:, None] * frequencies(x.shape[-1])
    a, b = x.double()[..., ::2], x.double()[..., 1::2]
    return (
        torch.stack((a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()), -1)
        .flatten(-2)
        .to(x.dtype)
    )


@planted("not-rotated", "N11; detector: all positions 0", **HALF)
def first_row_for_all(x, cos, sin):
    cos, sin = cos[:1], sin[:1]
    return x * cos + rotate_half(x) * sin


@planted("offset", "N11: decode starts at 0, the offset ignored", **FLASH)
def offset_ignored(x, cos, sin, offset=0):
    cos, sin = (t[: x.shape[1]].repeat(1, 2).unsqueeze(1) for t in (cos, sin))
    return x * cos + rotate_half(x) * sin


@planted("offset", "N11: the offset taken twice", **OFFSET)
def offset_taken_twice(x, offset):
    positions = torch.arange(x.shape[1]) + 2 * offset
    return turned(x, positions[:, None] * frequencies(x.shape[-1]))


@planted("offset", "ECOSYSTEM 2.3: a cache with the length for its key alone", **OFFSET)
class CachedByLength:
    def __init__(self):
        self.cache = {}

    def __call__(self, x, offset):
        if x.shape[1] not in self.cache:
            positions = torch.arange(offset, offset + x.shape[1])
            self.cache[x.shape[1]] = positions[:, None] * frequencies(x.shape[-1])
        return turned(x, self.cache[x.shape[1]])


@planted("offset", "N11: a cache of tables with the length for its key alone", **HALF)
class TablesCachedByLength:
    def __init__(self):
        self.cache = {}

    def __call__(self, x, cos, sin):
        cos, sin = self.cache.setdefault(x.shape[1], (cos.clone(), sin.clone()))
        return x * cos + rotate_half(x) * sin


@planted(
    "per-head",
    "ECOSYSTEM 2.3, 2.6: a bshd tensor where bhsd was expected, rotated by head index",
    **HALF,
)
def by_head(x, cos, sin):
    heads = x.shape[2]
    return x * cos[:heads, 0] + rotate_half(x) * sin[:heads, 0]


@planted("per-head", "ECOSYSTEM 2.6: Liger ignores unsqueeze_dim=2", **{**LLAMA, "layout": "bshd"})
def unsqueeze_dim_ignored(q, k, cos, sin):
    cos, sin = (t[:, : q.shape[2]] for t in (cos, sin))  # (B, H, D): lines up with heads
    return q * cos.unsqueeze(1) + rotate_half(q) * sin.unsqueeze(1), k * cos.unsqueeze(
        1
    ) + rotate_half(k) * sin.unsqueeze(1)


@planted(
    "first-of-batch",
    "ECOSYSTEM 2.1: aiter's rope uses cos[0] for every batch row",
    batched=True,
    **BATCHED,
)
def table_of_the_first_batch_row(x, cos, sin):
    cos, sin = cos[:1], sin[:1]
    return x * cos + rotate_half(x) * sin


@planted(
    "first-of-batch", "N16: vllm-omni, only sample 0's cos used for the batch", batched=True, **OWN
)
def positions_of_the_first_batch_row(x, positions):
    return turned(x, positions[:1, :, None] * frequencies(x.shape[-1]))


@planted("per-batch", "N17: positions go on from one batch row to the next", **COUNTED)
def counts_through_the_batch(x):
    flat = torch.arange(x.shape[0] * x.shape[1]).view(x.shape[0], x.shape[1], 1)
    return turned(x, flat * frequencies(x.shape[-1]))


# frequencies and positions that are computed wrongly


@planted("theta", "N9; detector: wrong theta", **{**OWN, "theta": 500000.0})
def default_theta(x, positions):
    return turned(x, positions[..., None] * frequencies(x.shape[-1]))


@planted("theta", "N9: rope_theta of the wrong model", **COUNTED)
def theta_of_another_model(x):
    return turned(x, torch.arange(x.shape[1])[:, None] * frequencies(x.shape[-1], 1000000.0))


@planted("theta", "N9's neighbour: i / d where 2 i / d was meant", **OWN)
def exponent_halved(x, positions):
    half = x.shape[-1] // 2
    own = THETA ** (-torch.arange(half, dtype=torch.float64) / x.shape[-1])
    return turned(x, positions[..., None] * own)


@planted("theta", "ECOSYSTEM 2.11: mlx's freqs are 1 / inv_freq", **COUNTED)
def frequencies_inverted(x):
    return turned(x, torch.arange(x.shape[1])[:, None] / frequencies(x.shape[-1]))


@planted("positions-scaled", "N9: linear scaling of rope_parameters left in place", **OWN)
def scaled_positions(x, positions):
    return turned(x, positions[..., None] / 8 * frequencies(x.shape[-1]))


@planted("frequencies", "N9: Llama 3's scaling read from the wrong place, so applied", **OWN)
def scaled_low_frequencies(x, positions):
    own = frequencies(x.shape[-1])
    return turned(x, positions[..., None] * torch.where(own < 2 * torch.pi / 2048, own / 8, own))


@planted("phase", "N1; detector: bf16 positions", **OWN)
def positions_in_bfloat16(x, positions):
    return turned(x, positions.bfloat16().double()[..., None] * frequencies(x.shape[-1]))


@planted("phase", "N1: ECOSYSTEM 2.2, a Llama cast by .to(bfloat16)", **OWN)
def frequencies_in_bfloat16(x, positions):
    return turned(x, positions[..., None] * frequencies(x.shape[-1]).float().bfloat16().double())


@planted("phase", "N1: fp16, a model cast by .half()", **OWN_INTERLEAVED)
def frequencies_in_float16(x, positions):
    angles = positions[:, None, :, None] * frequencies(x.shape[-1]).half().double()
    a, b = x.double()[..., ::2], x.double()[..., 1::2]
    return (
        torch.stack((a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()), -1)
        .flatten(-2)
        .to(x.dtype)
    )


@planted("phase", "N2: the phase is a matrix product under autocast", **OWN)
def phase_under_autocast(x, positions):
    with torch.autocast("cpu", torch.bfloat16):
        angles = positions.float()[..., None] @ frequencies(x.shape[-1]).float()[None]
    return turned(x, angles.double())


@planted("phase", "N3; detector: TF32-like grid", **OWN)
def phase_in_tf32(x, positions):
    def tf32(t):
        return ((t.float().view(torch.int32) + (1 << 12)) & -(1 << 13)).view(torch.float32)

    angles = tf32(positions)[..., None].double() * tf32(frequencies(x.shape[-1])).double()
    return turned(x, angles)


@planted("phase", "N4: DeepSpeed's zero.Init makes arange in the model's dtype", **COUNTED)
def arange_in_bfloat16(x):
    return turned(
        x, torch.arange(x.shape[1]).bfloat16().double()[:, None] * frequencies(x.shape[-1])
    )


@planted(
    "phase",
    "ECOSYSTEM 2.3: rotary-embedding-torch, positions in the dtype of q",
    ("bfloat16",),
    **COUNTED,
)
def positions_in_the_dtype_of_q(x):
    positions = torch.arange(x.shape[1]).to(x.dtype).double()
    return turned(x, positions[:, None] * frequencies(x.shape[-1]))


@planted("not-rotated", "N5; detector: garbage inv_freq of a buffer that was never filled", **OWN)
def frequencies_never_filled(x, positions):
    return turned(
        x, positions[..., None] * torch.full((x.shape[-1] // 2,), -2.0e-14, dtype=torch.float64)
    )
