"""Positions of more than one axis as models write them, M-RoPE and RoPE2D,
and the mistakes made with them."""

import torch
from identifying import Corpus
from torch import nn

expect = Corpus()
SECTIONED = {"pairing": "half", "layout": "bhsd", "tables": "repeated", "table_axes": "gbsw"}
ARGUMENTS = ("q", "k", "cos", "sin", "sections")


def turn_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def rotated(x, cos, sin):
    return x * cos + turn_half(x) * sin


@expect(**SECTIONED, sections="blocks", argument_order=ARGUMENTS)
def split_twice(q, k, cos, sin, mrope_section, unsqueeze_dim=1):
    both = mrope_section * 2
    cos = torch.cat([part[i % 3] for i, part in enumerate(cos.split(both, -1))], -1).unsqueeze(
        unsqueeze_dim
    )
    sin = torch.cat([part[i % 3] for i, part in enumerate(sin.split(both, -1))], -1).unsqueeze(
        unsqueeze_dim
    )
    return rotated(q, cos, sin), rotated(k, cos, sin)


@expect(
    **SECTIONED | {"layout": "bshd", "tables": "half-width"},
    sections="blocks",
    argument_order=("x", *ARGUMENTS[2:]),
)
def half_width(x, cos, sin, sections):
    cos, sin = (
        torch.cat(
            [part[axis] for axis, part in enumerate(table.split(sections, -1))], -1
        ).unsqueeze(2)
        for table in (cos, sin)
    )
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


@expect(**SECTIONED | {"tables": "half-width"}, sections="interleaved", argument_order=ARGUMENTS)
def dealt_in_turn(q, k, cos, sin, mrope_section):
    def dealt(table):
        own = table[0].clone()
        for axis in (1, 2):
            own[..., axis : 3 * mrope_section[axis] : 3] = table[
                axis, ..., axis : 3 * mrope_section[axis] : 3
            ]
        return torch.cat((own, own), -1)[:, None]

    cos, sin = dealt(cos), dealt(sin)
    return rotated(q, cos, sin), rotated(k, cos, sin)


@expect(mistakes=("sections",), **SECTIONED)
def sections_over_lanes(q, k, cos, sin, mrope_section):
    both = mrope_section * 2
    cos = torch.cat([part[min(i, 2)] for i, part in enumerate(cos.split(both, -1))], -1)[:, None]
    sin = torch.cat([part[min(i, 2)] for i, part in enumerate(sin.split(both, -1))], -1)[:, None]
    return rotated(q, cos, sin), rotated(k, cos, sin)


@expect(mistakes=("sections",), **SECTIONED)
def time_alone(q, k, cos, sin, mrope_section):
    assert 2 * sum(mrope_section) == q.shape[-1]
    cos, sin = cos[0][:, None], sin[0][:, None]
    return rotated(q, cos, sin), rotated(k, cos, sin)


@expect(mistakes=("sections",), **SECTIONED)
def width_first(q, k, cos, sin, mrope_section):
    both = mrope_section[::-1] * 2
    cos = torch.cat([part[2 - i % 3] for i, part in enumerate(cos.split(both, -1))], -1)[:, None]
    sin = torch.cat([part[2 - i % 3] for i, part in enumerate(sin.split(both, -1))], -1)[:, None]
    return rotated(q, cos, sin), rotated(k, cos, sin)


POINTS = {
    "pairing": "half",
    "layout": "bhsd",
    "tables": "positions",
    "positions": "any",
    "blocks": 2,
}


def at_points(tokens, positions, axes=(0, 1), theta=100.0):
    """Turn the first half of the lanes by one coordinate and the other by another,
    as naver/croco does."""
    width = tokens.shape[-1] // len(axes)
    frequencies = theta ** (-torch.arange(0, width, 2).float() / width)
    parts = []
    for part, axis in zip(tokens.chunk(len(axes), -1), axes, strict=True):
        angle = positions[..., axis, None].float() * frequencies  # (B, S, width/2)
        cos, sin = (
            torch.cat((t, t), -1)[:, None].to(tokens.dtype) for t in (angle.cos(), angle.sin())
        )
        parts.append(rotated(part, cos, sin))
    return torch.cat(parts, -1)


@expect(
    **POINTS,
    schedule="Axial, for each of 2 coordinates Plain(theta=100.0)",
    argument_order=("x", "positions"),
)
class RoPE2D(nn.Module):
    def __init__(self, freq=100.0):
        super().__init__()
        self.base = freq

    def forward(self, tokens, positions):
        assert positions.ndim == 3
        assert positions.shape[-1] == 2
        return at_points(tokens, positions, theta=self.base)


@expect(**POINTS | {"blocks": 3}, schedule="Axial, for each of 3 coordinates Plain(theta=10000.0)")
def of_a_film(x, pos):
    assert pos.shape[-1] == 3
    return at_points(x, pos, (0, 1, 2), theta=10000.0)


@expect(**POINTS, mistakes=("coordinates",))
def rows_twice(x, positions):
    assert positions.shape[-1] == 2
    return at_points(x, positions, (0, 0))


@expect(pairing="half", layout="bshd", tables="positions", positions="any", theta=10000.0, blocks=1)
def sections_of_its_own(q, k, position_ids):
    """M-RoPE by positions (3, B, S), as in Qwen2-VL's ports."""
    assert position_ids.shape[0] == 3
    width = q.shape[-1]
    angle = position_ids[..., None].float() * 10000.0 ** (
        -torch.arange(0, width, 2).float() / width
    )  # (3, B, S, P)
    pairs = width // 2
    other = 3 * pairs // 8
    parts = angle.split((pairs - 2 * other, other, other), -1)
    own = torch.cat([part[axis] for axis, part in enumerate(parts)], -1)[:, :, None]
    cos, sin = (torch.cat((t, t), -1).to(q.dtype) for t in (own.cos(), own.sin()))
    return rotated(q, cos, sin), rotated(k, cos, sin)


class Sectioned(nn.Module):
    """position_ids (3, B, S): temporal, height and width indices,
    of which each turns its section of the pairs."""

    axes = (0, 1, 2)

    def __init__(self, head_dim=32, mrope_section=(4, 6, 6)):
        super().__init__()
        self.mrope_section = list(mrope_section)
        self.inv_freq = 10000.0 ** (-torch.arange(0, head_dim, 2).float() / head_dim)

    def forward(self, q, k, position_ids):
        """q, k: (B, H, S, D)."""
        parts = (position_ids[..., None].float() * self.inv_freq).split(self.mrope_section, -1)
        own = torch.cat([part[axis] for axis, part in zip(self.axes, parts, strict=True)], -1)[
            :, None
        ]
        cos, sin = (torch.cat((t, t), -1).to(q.dtype) for t in (own.cos(), own.sin()))
        return rotated(q, cos, sin), rotated(k, cos, sin)


OF_SECTIONS = {
    "pairing": "half",
    "layout": "bhsd",
    "tables": "positions",
    "positions": "any",
    "theta": 10000.0,
}


@expect(**OF_SECTIONS)
class HeightBeforeWidth(Sectioned):
    """position_ids (3, B, S), as they should be."""


@expect(**OF_SECTIONS, mistakes=("coordinates",))
class WidthBeforeHeight(Sectioned):
    """position_ids (3, B, S): temporal, height and width indices."""

    axes = (0, 2, 1)


@expect(**OF_SECTIONS | {"layout": "thd"}, choices=("coordinates",), unknown=True)
class WidthBeforeHeightPerhaps(Sectioned):
    """M-RoPE, of which nothing says what its positions hold."""

    axes = (0, 2, 1)
