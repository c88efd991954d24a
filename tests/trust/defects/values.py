"""The arithmetic of a pair, which of q, k and v turn, and how often.

Each declares what it should do.
"""

import torch
from planting import WIDE, planted

HALF = {"pairing": "half", "layout": "bshd", "tables": "half-width", "table_axes": "s1w"}
INTERLEAVED = {
    "pairing": "interleaved",
    "layout": "bhsd",
    "tables": "half-width",
    "table_axes": "sw",
}
COMPLEX = {"pairing": "interleaved", "layout": "bshd", "tables": "complex"}
SEDD = {"pairing": "half", "layout": "qkv", "tables": "packed"}
BROADCAST = {"pairing": "half", "layout": "qkv", "tables": "repeated", "table_axes": "1s11w"}
APART = {**HALF, "arguments": ("q", "k", "v", "cos", "sin")}
LLAMA = {
    "pairing": "half",
    "layout": "bhsd",
    "tables": "repeated",
    "table_axes": "bsw",
    "arguments": ("q", "k", "cos", "sin"),
}


def turn(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def as_complex(x):
    wide = x if x.dtype == torch.float64 else x.float()
    return torch.view_as_complex(wide.unflatten(-1, (-1, 2)).contiguous())


@planted("aliasing", "N20; detector: in-place aliasing", in_place=True, **HALF)
def written_over_while_read(x, cos, sin):
    a, b = x.chunk(2, -1)
    a.copy_(a * cos - b * sin)
    b.copy_(b * cos + a * sin)
    return x


@planted("aliasing", "N20, in interleaved lanes", in_place=True, **INTERLEAVED)
def even_lanes_written_first(x, cos, sin):
    x[..., ::2] = x[..., ::2] * cos - x[..., 1::2] * sin
    x[..., 1::2] = x[..., 1::2] * cos + x[..., ::2] * sin
    return x


@planted("aliasing", "N20, on a copy, the second half first", **HALF)
def second_half_first(x, cos, sin):
    out, half = x.clone(), x.shape[-1] // 2
    out[..., half:] = out[..., half:] * cos + out[..., :half] * sin
    out[..., :half] = out[..., :half] * cos - out[..., half:] * sin
    return out


@planted("one-sign", "N20's neighbour: rotate_half without its minus", **HALF)
def no_minus(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos + b * sin, b * cos + a * sin), -1)


@planted("one-sign", "rotate_every_two without its minus", **INTERLEAVED)
def no_minus_in_every_two(x, cos, sin):
    a, b = x[..., ::2], x[..., 1::2]
    return torch.stack((a * cos + b * sin, b * cos + a * sin), -1).flatten(-2)


@planted("imaginary-dropped", "N6; detector: imaginary part dropped", **COMPLEX)
def complex_table_made_real(x, freqs_cis):
    return torch.view_as_real(as_complex(x) * freqs_cis.real).flatten(-2).to(x.dtype)


@planted("imaginary-dropped", "N6, of cos and sin", **LLAMA)
def sin_forgotten(q, k, cos, sin):
    return q * cos.unsqueeze(1), k * cos.unsqueeze(1)


@planted("rotated-twice", "N10; detector: rotated twice", **LLAMA)
def rotated_by_model_and_by_attention(q, k, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    for _ in range(2):
        q, k = q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
    return q, k


@planted("rotated-twice", "N10, of complex numbers", **COMPLEX)
def table_squared(x, freqs_cis):
    return torch.view_as_real(as_complex(x) * freqs_cis * freqs_cis).flatten(-2).to(x.dtype)


@planted("rotated-twice", "N10, three times", **INTERLEAVED)
def rotated_three_times(x, cos, sin):
    for _ in range(3):
        a, b = x[..., ::2], x[..., 1::2]
        x = torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)
    return x


@planted("unlike", "N10, k alone, from a cache that holds rotated keys", **LLAMA)
def cached_keys_rotated_again(q, k, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    once = k * cos + rotate_half(k) * sin
    return q * cos + rotate_half(q) * sin, once * cos + rotate_half(once) * sin


@planted("unlike", "k forgotten", **LLAMA)
def q_only(q, k, cos, sin):
    return q * cos.unsqueeze(1) + rotate_half(q) * sin.unsqueeze(1), k.clone()


@planted("unlike", "N11, q alone one row late", **SEDD)
def q_a_row_late(qkv, cos, sin):
    turned = qkv * cos + rotate_half(qkv) * sin
    late = qkv * cos.roll(1, 1) + rotate_half(qkv) * sin.roll(1, 1)
    return torch.cat((late[:, :, :1], turned[:, :, 1:]), 2)


@planted("v-rotated", "the fix rotcheck began with: native rotates V", **BROADCAST)
def v_rotated_too(qkv, cos, sin):
    return qkv * cos + rotate_half(qkv) * sin


@planted("v-rotated", "N10: rotary applied to the value", **APART)
def value_rotated_too(q, k, v, cos, sin):
    return turn(q, cos, sin), turn(k, cos, sin), turn(v, cos, sin)


@planted("v-rotated", "N10: labml's value, rotated twice", **APART)
def value_rotated_twice(q, k, v, cos, sin):
    return turn(q, cos, sin), turn(k, cos, sin), turn(turn(v, cos, sin), cos, sin)


@planted("not-rotated", "F17: a fallback that does nothing", **SEDD)
def falls_back_to_nothing(qkv, cos, sin):
    return qkv.clone()


@planted("scaled", "N16: a kernel that does not keep norms: one factor too many", **HALF)
def scaled_result(x, cos, sin):
    return turn(x, cos, sin) * 1.125


@planted(
    "scaled", "an attention factor applied to q and k where the tables hold it already", **LLAMA
)
def attention_factor_again(q, k, cos, sin):
    cos, sin, factor = cos.unsqueeze(1), sin.unsqueeze(1), 0.1 * 3.4657 + 1  # YaRN's, of 32
    return (q * cos + rotate_half(q) * sin) * factor, (k * cos + rotate_half(k) * sin) * factor


@planted("rounding", "N16: Ascend's kernel, wrong beyond lane 16 of a half", **HALF)
def tail_of_a_block_left_out(x, cos, sin):
    out, half = turn(x, cos, sin), x.shape[-1] // 2
    keep = torch.arange(x.shape[-1]) % half < min(16, half - 3)
    return torch.where(keep, out, x * cos.repeat_interleave(2, -1).flip(-1))


@planted("displaced", "cross-head corruption, flashinfer PR 4349: k reads another head", **LLAMA)
def heads_shifted(q, k, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    q, k = q.roll(1, 1), k.roll(1, 1)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


@planted("not-finite", "ECOSYSTEM 2.11: NaN of Liger's kernel with bfloat16 tables", **HALF)
def nan_in_a_lane(x, cos, sin):
    out = turn(x, cos, sin)
    return torch.where(torch.arange(x.shape[-1]) == 5, torch.nan, out)


@planted(
    "low-precision", "ECOSYSTEM 2.8: vLLM's cache keeps bfloat16 values in float32", WIDE, **HALF
)
def tables_went_through_bfloat16(x, cos, sin):
    return turn(x, cos.bfloat16().to(x.dtype), sin.bfloat16().to(x.dtype))


@planted("low-precision", "float16 inside", WIDE, **COMPLEX)
def float16_inside(x, freqs_cis):
    a, b = x.half()[..., ::2], x.half()[..., 1::2]
    c, s = freqs_cis.real.half(), freqs_cis.imag.half()
    return torch.stack((a * c - b * s, b * c + a * s), -1).flatten(-2).to(x.dtype)
