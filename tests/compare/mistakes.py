"""The mistakes of the field, each in the seed's form, f(qkv, cos, sin);
V stays as it is unless that is the point.

Each declares that form: some of them are right in a convention of their own,
and are mistakes in this one.
"""

import torch
from healthy import plain

import rotcheck


def _halves(qkv, cos, sin):
    half = qkv.shape[-1] // 2
    return qkv[..., :half], qkv[..., half:], cos[..., :half], sin[..., :half]


def _every_two(x):
    return torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)


def not_rotated(qkv, cos, sin):
    return qkv.clone()


def conjugate(qkv, cos, sin):
    return plain(qkv, cos, -sin)


def rotated_twice(qkv, cos, sin):
    return plain(plain(qkv, cos, sin), cos, sin)


def interleaved(qkv, cos, sin):
    """The right rotation of the lanes 2i and 2i + 1."""
    half = qkv.shape[-1] // 2
    c, s = (table[..., :half].repeat_interleave(2, -1) for table in (cos, sin))
    return qkv * c + _every_two(qkv) * s


def interleaved_rotate_with_half_tables(qkv, cos, sin):
    return qkv * cos + _every_two(qkv) * sin


def lanes_in_the_other_order(qkv, cos, sin):
    a, b = plain(qkv, cos, sin).chunk(2, -1)
    out = torch.stack((a, b), -1).flatten(-2)
    return torch.cat((out[:, :, :2], qkv[:, :, 2:]), 2)


def arguments_swapped(qkv, cos, sin):
    return plain(qkv, sin, cos)


def arguments_swapped_for_q_and_k(qkv, cos, sin):
    return torch.cat((plain(qkv, sin, cos)[:, :, :2], qkv[:, :, 2:]), 2)


def imaginary_part_dropped(qkv, cos, sin):
    return qkv * cos


def written_over_while_read(qkv, cos, sin):
    """`a.copy_(a * c - b * s); b.copy_(b * c + a * s)` on a copy."""
    a, b, c, s = _halves(qkv, cos, sin)
    first = a * c - b * s
    return torch.cat((first, b * c + first * s), -1)


def row_too_far(qkv, cos, sin):
    return plain(qkv, cos.roll(-1, 1), sin.roll(-1, 1))


def row_too_near(qkv, cos, sin):
    return plain(qkv, cos.roll(1, 1), sin.roll(1, 1))


def v_rotated_too(qkv, cos, sin):
    return plain(qkv, cos[:, :, :1], sin[:, :, :1])


def first_row_for_all(qkv, cos, sin):
    """All positions 0, where nothing turns."""
    return plain(qkv, cos[:, :1], sin[:, :1])


def own_positions(qkv, cos, sin):
    """Counts its rows itself instead of reading the tables."""
    half = qkv.shape[-1] // 2
    frequencies = 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    turns = torch.arange(qkv.shape[1])[:, None] * frequencies
    both = torch.cat((turns, turns), -1)[None, :, None, None].to(qkv.device)
    keep = torch.tensor([1.0, 1.0, 0.0], device=qkv.device).view(1, 1, 3, 1, 1)
    return plain(qkv, (both * keep).cos().to(qkv.dtype), (both * keep).sin().to(qkv.dtype))


def only_q(qkv, cos, sin):
    return torch.cat((plain(qkv, cos, sin)[:, :, :1], qkv[:, :, 1:]), 2)


def half_of_the_lanes(qkv, cos, sin):
    """Partial rotary where full was meant."""
    quarter = qkv.shape[-1] // 4
    a, b, rest = qkv[..., :quarter], qkv[..., quarter : 2 * quarter], qkv[..., 2 * quarter :]
    c, s = cos[..., :quarter], sin[..., :quarter]
    return torch.cat((a * c - b * s, b * c + a * s, rest), -1)


def off_by_six_units(qkv, cos, sin):
    """Right but for one element, which is six rounding steps of its pair off."""
    out, half = plain(qkv, cos, sin), qkv.shape[-1] // 2
    size = torch.hypot(qkv[1, 0, 0, 3, 7].double(), qkv[1, 0, 0, 3, 7 + half].double())
    off = torch.zeros_like(out)
    off[1, 0, 0, 3, 7] = 6 * torch.finfo(qkv.dtype).eps * size
    return out + off


def bfloat16_inside(qkv, cos, sin):
    return plain(qkv.bfloat16(), cos.bfloat16(), sin.bfloat16()).to(qkv.dtype)


def float16_inside(qkv, cos, sin):
    return plain(qkv.half(), cos.half(), sin.half()).to(qkv.dtype)


def conjugate_in_float32(qkv, cos, sin):
    return plain(qkv.float(), cos.float(), -sin.float()).to(qkv.dtype)


def one_nan(qkv, cos, sin):
    """One element is NaN, and another is 100 times too large."""
    out = plain(qkv, cos, sin)
    factor = torch.ones_like(out)
    factor[0, 0, 1, 2, 9], factor[1, 0, 0, 1, 3] = torch.nan, 100
    return out * factor


for _one in [one for one in vars().values() if getattr(one, "__module__", None) == __name__]:
    rotcheck.declare(pairing="half", layout="qkv", tables="packed")(_one)
