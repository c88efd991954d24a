"""Right in all but a part, a place or a term. Each declares what it should do."""

import torch
from planting import planted

HALF = {"pairing": "half", "layout": "bshd", "tables": "repeated"}
NARROW = {"pairing": "interleaved", "layout": "bshd", "tables": "half-width", "table_axes": "s1w"}
LLAMA = {
    "pairing": "half",
    "layout": "bhsd",
    "tables": "repeated",
    "table_axes": "bsw",
    "arguments": ("q", "k", "cos", "sin"),
}
SEDD = {"pairing": "half", "layout": "qkv", "tables": "packed"}
OWN = {"pairing": "half", "layout": "bshd", "tables": "positions", "positions": "any"}


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def rotated(x, cos, sin):
    return x * cos + rotate_half(x) * sin


# a part


@planted("partly", "measured.md: wrong from row 8 on, which is right in every small test", **HALF)
def rows_from_8_on_as_row_7(x, cos, sin):
    rows = torch.arange(x.shape[1]).clamp(max=7)
    return rotated(x, cos[rows], sin[rows])


@planted("partly", "a grid that ends too early: rows that nothing was written to", **HALF)
def rows_from_8_on_are_zero(x, cos, sin):
    out = torch.zeros_like(x)
    out[:, :8] = rotated(x, cos, sin)[:, :8]
    return out


@planted("partly", "a loop over heads - 1", **HALF)
def last_head_forgotten(x, cos, sin):
    out = x.clone()
    out[:, :, :-1] = rotated(x, cos, sin)[:, :, :-1]
    return out


@planted("partly", "a packed qkv whose query forgets its last head", **SEDD)
def last_head_of_q_forgotten(qkv, cos, sin):
    out = rotated(qkv, cos, sin).clone()
    out[:, :, 0, -1] = qkv[:, :, 0, -1]
    return out


@planted("partly", "a loop over pairs - 1", **NARROW)
def last_pair_forgotten(x, cos, sin):
    out, a, b, cos, sin = x.clone(), x[..., :-2:2], x[..., 1:-2:2], cos[..., :-1], sin[..., :-1]
    out[..., :-2:2], out[..., 1:-2:2] = a * cos - b * sin, b * cos + a * sin
    return out


@planted("partly", "every second row by the negative angle", **HALF)
def odd_rows_the_other_way(x, cos, sin):
    sign = 1 - 2 * (torch.arange(x.shape[1]) % 2)
    return rotated(x, cos, sin * sign.to(x.dtype).view(-1, 1, 1))


@planted("partly", "tables that begin again at every fourth row", **HALF)
def four_rows_again_and_again(x, cos, sin):
    rows = torch.arange(x.shape[1]) % 4
    return rotated(x, cos[rows], sin[rows])


@planted("partly", "positions clamped to the end of a table that is shorter", **OWN)
def positions_end_at_2047(x, positions):
    frequencies = 10000.0 ** (-torch.arange(0, x.shape[-1], 2, dtype=torch.float64) / x.shape[-1])
    angles = (positions.clamp(max=2047)[..., None] * frequencies).repeat_interleave(2, -1)
    angles = torch.cat((angles[..., ::2], angles[..., ::2]), -1).unsqueeze(-2)
    return rotated(x.double(), angles.cos(), angles.sin()).to(x.dtype)


# a place


@planted("displaced", "a copy and paste: k for q", **LLAMA)
def q_made_of_k(q, k, cos, sin):
    out = rotated(k, cos[:, None], sin[:, None])
    return out, out.clone()


@planted("displaced", "return k, q", **LLAMA)
def q_and_k_exchanged(q, k, cos, sin):
    return rotated(k, cos[:, None], sin[:, None]), rotated(q, cos[:, None], sin[:, None])


@planted("displaced", "V lost: q in its slot", **SEDD)
def v_holds_q(qkv, cos, sin):
    out = rotated(qkv, cos, sin)
    return torch.stack((out[:, :, 0], out[:, :, 1], out[:, :, 0]), 2)


@planted("displaced", "the first head for all: a stride of 0", **HALF)
def first_head_for_all(x, cos, sin):
    return rotated(x[:, :, :1], cos, sin).expand(x.shape).clone()


@planted("displaced", "the first batch row for all", **HALF)
def first_batch_row_for_all(x, cos, sin):
    return rotated(x[:1], cos, sin).expand(x.shape).clone()


@planted("displaced", "a table that is a pair too far", **HALF)
def each_pair_by_its_neighbour(x, cos, sin):
    half = x.shape[-1] // 2
    cos, sin = (table[..., :half].roll(1, -1).repeat(1, 1, 2) for table in (cos, sin))
    return rotated(x, cos, sin)


# a term


@planted("formula", "one line of two with the wrong sign", **NARROW)
def second_lane_minus(x, cos, sin):
    a, b = x[..., ::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, b * cos - a * sin), -1).flatten(-2)


@planted("formula", "cos where sin belongs, in one line", **NARROW)
def cos_for_sin(x, cos, sin):
    a, b = x[..., ::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, b * cos + a * cos), -1).flatten(-2)


@planted("formula", "a where b belongs, in one line", **NARROW)
def its_own_partner(x, cos, sin):
    a, b = x[..., ::2], x[..., 1::2]
    return torch.stack((a * cos - a * sin, b * cos + a * sin), -1).flatten(-2)


@planted("formula", "YaRN's factor in cos alone", **HALF)
def factor_of_cos_alone(x, cos, sin):
    return x * (cos * 1.25) + rotate_half(x) * sin
