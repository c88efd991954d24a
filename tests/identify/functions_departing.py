"""Functions that are nearly a rotation, and what must be said of each."""

import torch
from torch import Tensor

SAYS: dict[str, str] = {}


def says(words: str):
    """Expect these words of a function."""

    def keep(function):
        SAYS[function.__name__] = words
        return function

    return keep


def turn_half(x: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


@says("lanes 8 to 15 hold - sin where + sin belongs")
def sign_of_the_second_half(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos[:, None] + torch.cat((-b, -a), -1) * sin[:, None]


@says("all lanes take cos where sin belongs")
def cos_twice(q, k, cos, sin):
    c = cos.unsqueeze(1)
    return q * c + turn_half(q) * c, k * c + turn_half(k) * c


@says("all lanes of q hold k's lanes")
def query_of_keys(q, k, cos, sin):
    c, s = cos.unsqueeze(1), sin.unsqueeze(1)
    return k * c + turn_half(k) * s, k * c + turn_half(k) * s


@says("all lanes of q and k in the last head come back unrotated")
def last_head_forgotten(qkv, cos, sin):
    out = qkv.clone()
    c, s = cos[None, :, None, None], sin[None, :, None, None]
    a, b = qkv[:, :, :2, :-1].chunk(2, -1)
    out[:, :, :2, :-1] = torch.cat((a * c - b * s, b * c + a * s), -1)
    return out


@says("lanes 0, 1, 2, 3, 4, 5, ... of q in the last head come back unrotated")
def last_head_of_its_docstring(q, k, position_ids):
    """q, k (B, H, S, D); position_ids (B, S).

    With positions (S) it is nearly right for (B, S, H, D) as well.
    """
    frequencies = 10000.0 ** (-torch.arange(0, q.shape[-1], 2).float() / q.shape[-1])
    angle = position_ids[..., None].float() * frequencies
    c, s = (torch.cat((each, each), -1)[:, None] for each in (angle.cos(), angle.sin()))
    out = q * c + turn_half(q) * s
    return torch.cat((out[:, :-1], q[:, -1:]), 1), k * c + turn_half(k) * s


@says("rows from 8 on turn as row 7")
def rows_clamped(x, cos, sin):
    c, s = cos.clone(), sin.clone()
    c[8:], s[8:] = c[7:8], s[7:8]
    return x * c[:, None] + turn_half(x) * s[:, None]


@says("all lanes of q are 1 more than they should be")
def one_too_many(q, k, cos, sin):
    c, s = cos.unsqueeze(1), sin.unsqueeze(1)
    return q * c + turn_half(q) * s + 1, k * c + turn_half(k) * s


@says("with tables for half of the lanes, all lanes are written behind the lanes that stay")
def stay_in_front(x, cos, sin):
    count = cos.shape[-1]
    turned, stay = x[..., :count], x[..., count:]
    turned = turned * cos[:, None] + turn_half(turned) * sin[:, None]
    return torch.cat((stay, turned), -1)


@says("turn with the number of the head")
def along_heads(q, k):
    """q, k: (batch, length, heads, lanes)"""
    angle = torch.outer(
        torch.arange(q.shape[-2]).float(),
        10000.0 ** (-torch.arange(0, q.shape[-1], 2) / q.shape[-1]),
    )
    c, s = torch.cat((angle, angle), -1).cos(), torch.cat((angle, angle), -1).sin()
    return q * c + turn_half(q) * s, k * c + turn_half(k) * s


@says("all lanes take their own lane for their partner's")
def minus_on_the_other_half(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos[:, None] + torch.cat((a, -b), -1) * sin[:, None]


@says("all lanes of k in rows 0 to 3 turn with the next row's angle")
def k_one_row_late(q, k, cos, sin):
    later = [torch.cat((table[:, 1:], table[:, -1:]), 1).unsqueeze(1) for table in (cos, sin)]
    c, s = cos.unsqueeze(1), sin.unsqueeze(1)
    return q * c + turn_half(q) * s, k * later[0] + turn_half(k) * later[1]


@says("all lanes in rows 0, 1, 3, 4 turn as the rows counted from the end")
def rows_reversed(q, k, cos, sin):
    c, s = cos.flip(1).unsqueeze(1), sin.flip(1).unsqueeze(1)
    return q * c + turn_half(q) * s, k * c + turn_half(k) * s


@says("lanes 0, 2, 4, ... to 14 add cos, which they should multiply with")
def of_stacked_tables(x, rope_cache):
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    c, s = rope_cache[: x.size(1)].view(1, x.size(1), 1, a.size(-1), 2).unbind(-1)
    return torch.stack((a + c - b * s, b * c + a * s), -1).flatten(-2)


@says("all lanes of k add before they multiply with sin")
def sin_twice_for_k(q, k, cos, sin):
    c, s = cos.unsqueeze(1), sin.unsqueeze(1)
    return q * c + turn_half(q) * s, k * c * s + turn_half(k) * s


SEEN = {  # and no known departure gives it: told as a formula, and never called wrong
    "second_half_twice": "lanes 0 to 7 are made like lane 0, x[8]*(cos[0] - sin[0])",
    "noise": "gives another result each time, for the same input",
}


def second_half_twice(x, cos, sin):
    b = x[..., x.shape[-1] // 2 :]
    c, s = cos[:, None], sin[:, None]
    return torch.cat((b * c - b * s, b * c + b * s), -1)


def noise(q, k, cos, sin):
    return torch.rand_like(q), torch.rand_like(k)


STILL = {  # nothing turns
    "as_it_was": "q and k come back as they were: cos and sin turn nothing",
    "doubled": "q and k come back times 2: cos and sin turn nothing",
    "one_more": "q and k come back with 1 added: cos and sin turn nothing",
    "not_a_number": "q and k come back as NaN",
    "zeros": "all lanes come back as zeros",
    "tables_alone": "all lanes of q are made like lane 0, cos[0]",
}


def as_it_was(q, k, cos, sin):
    return q.clone(), k.clone()


def doubled(q, k, cos, sin):
    return 2 * q, 2 * k


def one_more(q, k, cos, sin):
    return q + 1, k + 1


def not_a_number(q, k, cos, sin):
    return q * float("nan"), k * float("nan")


def zeros(q, k, cos, sin):
    return torch.zeros_like(q), torch.zeros_like(k)


def tables_alone(q, k, cos, sin):
    return cos, sin


def right(q, k, cos, sin):
    c, s = cos.unsqueeze(1), sin.unsqueeze(1)
    return q * c + turn_half(q) * s, k * c + turn_half(k) * s


def stay_behind(x, cos, sin):
    count = cos.shape[-1]
    turned, stay = x[..., :count], x[..., count:]
    turned = turned * cos[:, None] + turn_half(turned) * sin[:, None]
    return torch.cat((turned, stay), -1)


def along_rows(q, k):
    """q, k: (batch, heads, length, lanes)"""
    return along_heads(q, k)


def takes_nothing(q, k, cos, sin):
    raise ValueError("never works")


def returns_noise(x):
    return torch.randn_like(x)


@says("rotates each row with the angle of the row before it")
def late_in_odd_lengths(q, k, cos, sin):
    if q.shape[2] % 2 and q.shape[2] > 1:
        cos, sin = (torch.cat((table[:, :1], table[:, :-1]), 1) for table in (cos, sin))
    return right(q, k, cos, sin)


@says("with a single row, as in decoding: rotates every batch row with the angles of the first")
def first_of_a_batch_in_decoding(q, k, cos, sin):
    own = slice(1) if q.shape[2] == 1 else slice(None)
    return right(q, k, cos[own], sin[own])


@says("with 2 heads in k and 4 in q uses cos for sin and sin for cos (in k alone)")
def exchanged_for_grouped_heads(q, k, cos, sin):
    """q: (B, H, S, D), k: (B, KV, S, D)"""
    turned, k_turned = right(q, k, cos, sin)
    return turned, (right(k, k, sin, cos)[1] if k.shape[1] < q.shape[1] else k_turned)
