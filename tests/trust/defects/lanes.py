"""Which lanes are paired, which way they turn, and where the result is written.

Each declares what it should do.
"""

import torch
from planting import planted

HALF = {"pairing": "half", "layout": "bshd", "tables": "repeated"}
INTERLEAVED = {"pairing": "interleaved", "layout": "bshd", "tables": "repeated"}
COMPLEX = {"pairing": "interleaved", "layout": "bshd", "tables": "complex"}
LLAMA = {
    "pairing": "half",
    "layout": "bhsd",
    "tables": "repeated",
    "table_axes": "bsw",
    "arguments": ("q", "k", "cos", "sin"),
}
NARROW = {"pairing": "interleaved", "layout": "bshd", "tables": "half-width", "table_axes": "s1w"}


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def rotate_every_two(x):
    return torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)


def as_complex(x):
    wide = x if x.dtype == torch.float64 else x.float()
    return torch.view_as_complex(wide.unflatten(-1, (-1, 2)).contiguous())


@planted("pairing", "N7; detector: interleaved instead", **HALF)
def gptj_where_neox_was_meant(x, cos, sin):
    half = x.shape[-1] // 2
    c, s = (t[..., :half].repeat_interleave(2, -1) for t in (cos, sin))
    return x * c + rotate_every_two(x) * s


@planted("pairing", "N7: Meta's weights in a half rotation", **COMPLEX)
def neox_where_meta_was_meant(x, freqs_cis):
    a, b = (x if x.dtype == torch.float64 else x.float()).chunk(2, -1)
    c, s = freqs_cis.real, freqs_cis.imag
    return torch.cat((a * c - b * s, b * c + a * s), -1).to(x.dtype)


@planted("pairing", "ECOSYSTEM 2.1: the hub's rotary kernel under openai_privacy_filter", **NARROW)
def hub_kernel_under_an_interleaved_function(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


@planted(
    "pairing", "ECOSYSTEM 1: the interleaved flag of ONNX's operator is dropped",
    pairing="interleaved", layout="bhsd", tables="half-width", table_axes="sw",
    arguments=("x", "cos", "sin", "positions"),
)  # fmt: skip
def onnx_without_its_interleaved_flag(x, cos_cache, sin_cache, position_ids):
    c, s = cos_cache[position_ids].unsqueeze(1), sin_cache[position_ids].unsqueeze(1)
    a, b = x.chunk(2, -1)
    return torch.cat((a * c - b * s, b * c + a * s), -1)


@planted("direction", "detector: conjugate (-sin)", **LLAMA)
def minus_sin(q, k, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    return q * cos - rotate_half(q) * sin, k * cos - rotate_half(k) * sin


@planted("direction", "detector: conjugate, of complex numbers", **COMPLEX)
def conjugated(x, freqs_cis):
    return torch.view_as_real(as_complex(x) * freqs_cis.conj()).flatten(-2).to(x.dtype)


@planted("direction", "ECOSYSTEM 2.1: the hub's rotary kernel under nanochat", direction=-1, **HALF)
def hub_kernel_under_nanochat(x, cos, sin):
    return x * cos + rotate_half(x) * sin


@planted("direction", "detector: conjugate, a flipped sign in rotate_every_two", **INTERLEAVED)
def every_two_the_other_way(x, cos, sin):
    turned = torch.stack((x[..., 1::2], -x[..., ::2]), -1).flatten(-2)
    return x * cos + turned * sin


@planted("unlike", "N7, in k alone", **LLAMA)
def k_interleaved(q, k, cos, sin):
    cos, sin, half = cos.unsqueeze(1), sin.unsqueeze(1), q.shape[-1] // 2
    c, s = (t[..., :half].repeat_interleave(2, -1) for t in (cos, sin))
    return q * cos + rotate_half(q) * sin, k * c + rotate_every_two(k) * s


@planted("unlike", "detector: conjugate, in k alone", **LLAMA)
def k_the_other_way(q, k, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    return q * cos + rotate_half(q) * sin, k * cos - rotate_half(k) * sin


@planted(
    "pairing-of-tables", "detector: interleaved rotate + half tables; ECOSYSTEM 2.6 timm", **HALF
)
def every_two_with_half_tables(x, cos, sin):
    return x * cos + rotate_every_two(x) * sin


@planted("pairing-of-tables", "ECOSYSTEM 2.6: diffusers with use_real_unbind_dim=-2", **INTERLEAVED)
def half_with_interleaved_tables(x, cos, sin):
    return x * cos + rotate_half(x) * sin


@planted("pairing-of-tables", "N7: repeat_interleave where cat was meant, in tables of its own", pairing="half",
         layout="bshd", tables="half-width", table_axes="s1w")  # fmt: skip
def widened_the_wrong_way(x, cos, sin):
    return x * cos.repeat_interleave(2, -1) + rotate_half(x) * sin.repeat_interleave(2, -1)


@planted("lanes", "ECOSYSTEM 2.10: DeepSeek-V3's function where GPT-J's was meant", **INTERLEAVED)
def written_as_halves(x, cos, sin):
    turned = x * cos + rotate_every_two(x) * sin
    return torch.cat((turned[..., ::2], turned[..., 1::2]), -1)


@planted("lanes", "ECOSYSTEM 2.10: GPT-J's function where DeepSeek-V3's was meant",
         output_lanes="de-interleaved", **INTERLEAVED)  # fmt: skip
def written_as_pairs(x, cos, sin):
    return x * cos + rotate_every_two(x) * sin


@planted("lanes", "N7: halves stacked instead of joined", **HALF)
def halves_stacked(x, cos, sin):
    a, b = (x * cos + rotate_half(x) * sin).chunk(2, -1)
    return torch.stack((a, b), -1).flatten(-2)


@planted("lanes", "N7: imaginary and real part in each other's place", **COMPLEX)
def imaginary_first(x, freqs_cis):
    turned = as_complex(x) * freqs_cis
    return torch.stack((turned.imag, turned.real), -1).flatten(-2).to(x.dtype)


@planted("tables-swapped", "ECOSYSTEM 2.6: (sin, cos) of timm, GPT-J and CodeGen", **INTERLEAVED)
def sin_first(x, sin, cos):
    return x * cos + rotate_every_two(x) * sin


@planted("tables-swapped", "ECOSYSTEM 2.6: the input order of ONNX against com.microsoft", **LLAMA)
def sin_first_of_q_and_k(q, k, sin, cos):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
