"""Right rotary functions, each written as some library or model writes it,
in its own convention."""

from typing import Any

import torch

import rotcheck

ONCE, TABLES, DTYPE, OWN = (
    "rounds once",
    "rounds once, tables in the dtype",
    "in the dtype",
    "angles of its own",
)


def sound(family: str, gradient: bool = True, **convention: Any) -> Any:
    """Say how it computes, whether autograd sees it, and the convention."""

    def mark(thing: Any) -> Any:
        thing.family, thing.gradient = family, gradient
        return rotcheck.declare(**convention)(thing)

    return mark


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def rotate_every_two(x):
    return torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)


def wide(x):
    return x if x.dtype == torch.float64 else x.float()


def as_complex(x):
    return torch.view_as_complex(wide(x).reshape(*x.shape[:-1], -1, 2).contiguous())


def inverse(width, theta=10000.0):
    return 1.0 / theta ** (torch.arange(0, width, 2).float() / width)


QK = {"arguments": ("q", "k", "cos", "sin")}
HALF = {"pairing": "half", "layout": "bshd", "tables": "half-width"}
EVERY_TWO = {"pairing": "interleaved", "layout": "bshd", "tables": "half-width"}
REPEATED = {"pairing": "half", "layout": "bshd", "tables": "repeated"}
COMPLEX = {"pairing": "interleaved", "layout": "bshd", "tables": "complex"}
SEDD = {"pairing": "half", "layout": "qkv", "tables": "packed"}


@sound(DTYPE, **{**REPEATED, **QK, "layout": "bhsd", "table_axes": "bsw"})
def llama(q, k, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


@sound(DTYPE, **{**REPEATED, **QK, "table_axes": "bsw"})
def llama_unsqueezed_at_2(q, k, cos, sin):
    cos, sin = cos.unsqueeze(2), sin.unsqueeze(2)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


@sound(TABLES, **{**REPEATED, **QK, "layout": "bhsd", "table_axes": "bsw"})
def qwen_in_float32(q, k, cos, sin):
    dtype = q.dtype
    q, k, cos, sin = wide(q), wide(k), wide(cos).unsqueeze(1), wide(sin).unsqueeze(1)
    return (q * cos + rotate_half(q) * sin).to(dtype), (k * cos + rotate_half(k) * sin).to(dtype)


@sound(
    DTYPE,
    **{
        **REPEATED,
        "layout": "bhsd",
        "table_axes": "sw",
        "arguments": ("q", "k", "cos", "sin", "positions"),
    },
)
def llama_of_old(q, k, cos, sin, position_ids):
    cos, sin = cos[position_ids].unsqueeze(1), sin[position_ids].unsqueeze(1)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


@sound(DTYPE, **{**EVERY_TWO, "table_axes": "bsw", "arguments": ("x", "sin", "cos")})
def gptj(tensor, sin, cos):
    sin, cos = (t[:, :, None, :].repeat_interleave(2, 3) for t in (sin, cos))
    return tensor * cos + rotate_every_two(tensor) * sin


@sound(DTYPE, **{**REPEATED, **QK, "layout": "bhsd", "table_axes": "bsw", "rotary_dim": 16})
def gpt_neox(q, k, cos, sin):
    cos, sin, rotary = cos.unsqueeze(1), sin.unsqueeze(1), cos.shape[-1]

    def turned(x):
        own, rest = x[..., :rotary], x[..., rotary:]
        return torch.cat((own * cos + rotate_half(own) * sin, rest), -1)

    return turned(q), turned(k)


@sound(ONCE, **{**COMPLEX, "table_axes": "sw", "arguments": ("q", "k", "table")})
def meta_llama(xq, xk, freqs_cis):
    freqs_cis = freqs_cis.view(1, xq.shape[1], 1, -1)
    q, k = (torch.view_as_real(as_complex(x) * freqs_cis).flatten(3) for x in (xq, xk))
    return q.type_as(xq), k.type_as(xk)


@sound(ONCE, **{**COMPLEX, "layout": "bhsd", "table_axes": "bsw"})
def deepseek_v2(x, freqs_cis):
    return torch.view_as_real(as_complex(x) * freqs_cis.unsqueeze(1)).flatten(3).type_as(x)


@sound(DTYPE, **{**REPEATED, **QK, "pairing": "interleaved", "table_lanes": "half", "table_axes": "bsw",
                 "layout": "bhsd", "output_lanes": "de-interleaved"})  # fmt: skip
def deepseek_v3(q, k, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)

    def turned(x):
        b, h, s, d = x.shape
        x = x.view(b, h, s, d // 2, 2).transpose(4, 3).reshape(b, h, s, d)
        return x * cos + rotate_half(x) * sin

    return turned(q.contiguous()), turned(k.contiguous())


MULTIMODAL = {
    "table_axes": "gbsw",
    "layout": "bhsd",
    "arguments": ("q", "k", "cos", "sin", "sections"),
}


@sound(DTYPE, **{**REPEATED, **MULTIMODAL})
def qwen2_vl(q, k, cos, sin, mrope_section):
    both = mrope_section * 2
    cos, sin = (
        torch.cat([part[i % 3] for i, part in enumerate(t.split(both, -1))], -1)[:, None]
        for t in (cos, sin)
    )
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


@sound(TABLES, **{**HALF, **MULTIMODAL, "sections": "interleaved"})
def qwen3_vl(q, k, cos, sin, mrope_section):
    def dealt(table):
        own = wide(table[0]).clone()
        for axis in (1, 2):
            rows = slice(axis, 3 * mrope_section[axis], 3)
            own[..., rows] = table[axis, ..., rows]
        return torch.cat((own, own), -1)[:, None]

    cos, sin = dealt(cos), dealt(sin)
    return tuple((wide(x) * cos + rotate_half(wide(x)) * sin).to(x.dtype) for x in (q, k))


@sound(
    DTYPE,
    **{**HALF, "layout": "thd", "table_axes": "sw", "arguments": ("x", "cos", "sin", "cu_seqlens")},
)
def packed_sequences(x, cos, sin, cu_seqlens):
    rows = torch.cat([torch.arange(n) for n in cu_seqlens.diff().tolist()])
    cos, sin = (t[rows, None].repeat(1, 1, 2) for t in (cos, sin))
    return x * cos + rotate_half(x) * sin


@sound(DTYPE, **{**HALF, "direction": -1, "table_axes": "1s1w"})
def nanochat(x, cos, sin):
    x1, x2 = x[..., : x.shape[3] // 2], x[..., x.shape[3] // 2 :]
    return torch.cat([x1 * cos + x2 * sin, x1 * (-sin) + x2 * cos], 3)


@sound(
    TABLES,
    **{
        **REPEATED,
        "pairing": "interleaved",
        "layout": "bhsd",
        "table_axes": "sw",
        "arguments": ("x", "sin", "cos"),
    },
)
def timm(x, sin, cos):
    return (wide(x) * wide(cos) + wide(rotate_every_two(x)) * wide(sin)).to(x.dtype)


@sound(
    TABLES,
    **{
        **REPEATED,
        "pairing": "interleaved",
        "layout": "bhsd",
        "table_axes": "sw",
        "arguments": ("x", "(cos, sin)"),
    },
)
def diffusers(x, freqs_cis):
    cos, sin = (t[None, None] for t in freqs_cis)
    real, imaginary = x.reshape(*x.shape[:-1], -1, 2).unbind(-1)
    turned = torch.stack([-imaginary, real], dim=-1).flatten(3)
    return (wide(x) * wide(cos) + wide(turned) * wide(sin)).to(x.dtype)


@sound(
    TABLES, **{**REPEATED, "layout": "bhsd", "table_axes": "sw", "arguments": ("x", "(cos, sin)")}
)
def diffusers_unbound_at_minus_2(x, freqs_cis):
    cos, sin = (t[None, None] for t in freqs_cis)
    real, imaginary = x.reshape(*x.shape[:-1], 2, -1).unbind(-2)
    turned = torch.cat([-imaginary, real], dim=-1)
    return (wide(x) * wide(cos) + wide(turned) * wide(sin)).to(x.dtype)


@sound(TABLES, pairing="interleaved", layout="bhsd", tables="matrix", table_axes="11sw")
def flux(x, freqs_cis):
    pairs = wide(x).reshape(*x.shape[:-1], -1, 1, 2)
    turned = wide(freqs_cis)[..., 0] * pairs[..., 0] + wide(freqs_cis)[..., 1] * pairs[..., 1]
    return turned.reshape(*x.shape).type_as(x)


@sound(TABLES, pairing="interleaved", layout="bshd", tables="stacked", table_axes="sw")
def gpt_fast(x, freqs_cis):
    pairs = wide(x).reshape(*x.shape[:-1], -1, 2)
    cache = wide(freqs_cis).view(1, pairs.size(1), 1, pairs.size(3), 2)
    turned = torch.stack(
        [
            pairs[..., 0] * cache[..., 0] - pairs[..., 1] * cache[..., 1],
            pairs[..., 1] * cache[..., 0] + pairs[..., 0] * cache[..., 1],
        ],
        -1,
    )
    return turned.flatten(3).type_as(x)


@sound(TABLES, pairing="interleaved", layout="bshd", tables="half-width", table_axes="sw")
def wan(x, cos, sin):
    cos, sin, out = wide(cos)[:, None], wide(sin)[:, None], torch.empty_like(x)
    a, b = wide(x)[..., 0::2], wide(x)[..., 1::2]
    out[..., 0::2], out[..., 1::2] = (a * cos - b * sin).type_as(x), (a * sin + b * cos).type_as(x)
    return out


@sound(DTYPE, **{**HALF, "table_axes": "sw"})
def flash_attn(x, cos, sin):
    cos, sin = (torch.cat((t, t), -1)[:, None] for t in (cos, sin))
    return x * cos + rotate_half(x) * sin


@sound(TABLES, in_place=True, **{**HALF, "table_axes": "sw"})
def flash_attn_in_place(x, cos, sin):
    a, b = wide(x).chunk(2, -1)
    c, s = wide(cos)[:, None], wide(sin)[:, None]
    return x.copy_(torch.cat((a * c - b * s, a * s + b * c), -1))


@sound(DTYPE, in_place=True, **{**EVERY_TWO, "table_axes": "sw"})
def in_place_with_temporaries(x, cos, sin):
    c, s = cos[:, None], sin[:, None]
    first, second = x[..., ::2] * c - x[..., 1::2] * s, x[..., 1::2] * c + x[..., ::2] * s
    x[..., ::2], x[..., 1::2] = first, second
    return x


@sound(DTYPE, takes_offset=True, **{**HALF, "table_axes": "sw"})
def flash_attn_with_offset(x, cos, sin, offset=0):
    rows = slice(offset, offset + x.shape[1])
    if offset + x.shape[1] > len(cos):
        raise ValueError(f"rows {offset} to {offset + x.shape[1]} of a table of {len(cos)} rows")
    c, s = (torch.cat((t, t), -1)[rows, None] for t in (cos, sin))
    return x * c + rotate_half(x) * s


@sound(DTYPE, **SEDD)
def sedd(qkv, cos, sin):
    return qkv * cos + rotate_half(qkv) * sin


@sound(DTYPE, **{**HALF, "layout": "qkv", "table_axes": "sw"})
def sedd_q_and_k_alone(qkv, cos, sin):
    q, k, v = qkv.unbind(2)
    cos, sin = (torch.cat((t, t), -1)[:, None] for t in (cos, sin))
    return torch.stack((q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin, v), 2)


@sound(DTYPE, **{**HALF, "layout": "b3hsd", "table_axes": "sw"})
def packed_b3hsd(qkv, cos, sin):
    own, v = qkv[:, :2], qkv[:, 2:]
    cos, sin = (torch.cat((t, t), -1) for t in (cos, sin))
    return torch.cat((own * cos + rotate_half(own) * sin, v), 1)


@sound(DTYPE, **{**EVERY_TWO, "layout": "t3hd", "table_axes": "sw"})
def token_major_packed(qkv, cos, sin):
    out, c, s = qkv.clone(), cos[:, None, None], sin[:, None, None]
    a, b = qkv[:, :2, :, ::2], qkv[:, :2, :, 1::2]
    out[:, :2, :, ::2], out[:, :2, :, 1::2] = a * c - b * s, b * c + a * s
    return out


@sound(DTYPE, **{**HALF, "table_axes": "sw", "arguments": ("q", "k", "v", "cos", "sin")})
def three_tensors(q, k, v, cos, sin):
    c, s = (torch.cat((t, t), -1)[:, None] for t in (cos, sin))
    return q * c + rotate_half(q) * s, k * c + rotate_half(k) * s, v


@sound(DTYPE, pairing="half", layout="t(hd)", tables="half-width", table_axes="sw",
       arguments=("positions", "q", "k", "D", "cos+sin"), position_axes="s")  # fmt: skip
def vllm(positions, query, key, head_size, cos_sin_cache):
    cos, sin = cos_sin_cache[positions].chunk(2, -1)

    def turned(x):
        heads = x.view(x.shape[0], -1, head_size)
        a, b = heads.chunk(2, -1)
        c, s = cos.unsqueeze(-2).to(x.dtype), sin.unsqueeze(-2).to(x.dtype)
        return torch.cat((a * c - b * s, b * c + a * s), -1).reshape(x.shape)

    return turned(query.contiguous()), turned(key.contiguous())


@sound(
    DTYPE,
    pairing="half",
    layout="bhsd",
    tables="half-width",
    table_axes="sw",
    arguments=("x", "cos", "sin", "positions"),
)
def onnx_reference(x, cos_cache, sin_cache, position_ids):
    c, s = cos_cache[position_ids].unsqueeze(1), sin_cache[position_ids].unsqueeze(1)
    a, b = x.chunk(2, -1)
    return torch.cat((c * a - s * b, s * a + c * b), -1)


@sound(
    DTYPE,
    gradient=False,
    pairing="interleaved",
    layout="bhsd",
    tables="half-width",
    table_axes="bsw",
)
def torch_onnx(x, cos, sin):
    return torch.onnx.ops.rotary_embedding(x, cos, sin, interleaved=True)


@sound(ONCE, pairing="half", layout="sbhd", tables="angles-repeated", table_axes="s11w")
def transformer_engine(t, freqs):
    cos, sin = freqs.cos(), freqs.sin()
    return (wide(t) * cos + rotate_half(wide(t)) * sin).to(t.dtype)


@sound(
    ONCE,
    pairing="interleaved",
    layout="bhsd",
    tables="angles-repeated",
    table_axes="sw",
    arguments=("table", "x"),
)
def lucidrains(freqs, t):
    return (wide(t) * freqs.cos() + rotate_every_two(wide(t)) * freqs.sin()).to(t.dtype)


@sound(DTYPE, **{**REPEATED, "layout": "sbhd", "table_axes": "s11w"})
def megatron(x, cos, sin):
    return x * cos + rotate_half(x) * sin


@sound(DTYPE, **{**REPEATED, "layout": "bsd", "table_axes": "1sw"})
def esm2(x, cos, sin):
    cos, sin = cos[:, : x.shape[-2], :], sin[:, : x.shape[-2], :]
    return x * cos + rotate_half(x) * sin


@sound(DTYPE, pairing="interleaved", layout="bhsd", tables="half-width", table_axes="11sw",
       arguments=("sin+cos", "q", "k"))  # fmt: skip
def roformer(sinusoidal_pos, q, k):
    sin, cos = (t.repeat_interleave(2, -1) for t in sinusoidal_pos.chunk(2, -1))
    return q * cos + rotate_every_two(q) * sin, k * cos + rotate_every_two(k) * sin


@sound(
    TABLES, pairing="interleaved", layout="sbhd", tables="stacked", table_axes="sw", rotary_dim=16
)
def chatglm(x, rope_cache):
    s, b, h, _ = x.shape
    lanes = 2 * rope_cache.shape[-2]
    own, rest = wide(x[..., :lanes]).reshape(s, b, h, -1, 2), x[..., lanes:]
    cache = wide(rope_cache).view(s, 1, 1, -1, 2)
    turned = torch.stack(
        [
            own[..., 0] * cache[..., 0] - own[..., 1] * cache[..., 1],
            own[..., 1] * cache[..., 0] + own[..., 0] * cache[..., 1],
        ],
        -1,
    )
    return torch.cat((turned.flatten(3).to(x.dtype), rest), -1)


class _Rotation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, cos, sin):
        ctx.save_for_backward(cos, sin)
        return x * cos + rotate_half(x) * sin

    @staticmethod
    def backward(ctx, gradient):
        cos, sin = ctx.saved_tensors
        return gradient * cos - rotate_half(gradient) * sin, None, None


@sound(DTYPE, **REPEATED)
def gradient_of_its_own(x, cos, sin):
    return _Rotation.apply(x, cos, sin)


@sound(DTYPE, **REPEATED)
def addcmul(x, cos, sin):
    return torch.addcmul(x * cos, rotate_half(x), sin)


@sound(DTYPE, **REPEATED)
def rolled(x, cos, sin):
    sign = torch.ones(x.shape[-1], dtype=x.dtype, device=x.device)
    sign[: x.shape[-1] // 2] = -1
    return x * cos + x.roll(x.shape[-1] // 2, -1) * sign * sin


@sound(DTYPE, **{**EVERY_TWO, "table_axes": "sw"})
def matrices(x, cos, sin):
    # (S, P, 2, 2)
    rows = torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)
    return torch.einsum("spij,bshpj->bshpi", rows, x.unflatten(-1, (-1, 2))).flatten(-2)


@sound(ONCE, pairing="half", layout="bshd", tables="angles", table_axes="s1w")
def phasors(x, angles):
    turns = torch.polar(torch.ones_like(angles), angles)
    a, b = wide(x).chunk(2, -1)
    turned = torch.complex(a.contiguous(), b.contiguous()) * turns
    return torch.cat((turned.real, turned.imag), -1).to(x.dtype)


@sound(ONCE, **{**COMPLEX, "direction": -1})
def conjugated_by_design(x, freqs_cis):
    return torch.view_as_real(as_complex(x) * freqs_cis.conj()).flatten(-2).type_as(x)


@torch.jit.script
def _scripted(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


@sound(DTYPE, **REPEATED)
def scripted(x, cos, sin):
    return _scripted(x, cos, sin)


# those that compute their angles themselves


@sound(
    OWN,
    pairing="interleaved",
    layout="bshd",
    tables="positions",
    positions="any",
    head_dim=64,
    last_position=131071,
)
class Torchtune(torch.nn.Module):
    def __init__(self, dim=64, max_seq_len=131072, base=10000):
        super().__init__()
        self.dim, self.base, self.max_seq_len = dim, base, max_seq_len
        phases = torch.arange(max_seq_len)[:, None].float() * inverse(dim, base)
        self.register_buffer(
            "cache", torch.stack([phases.cos(), phases.sin()], -1), persistent=False
        )

    def forward(self, x, input_pos):
        cache = self.cache[input_pos]
        pairs = wide(x).reshape(*x.shape[:-1], -1, 2)
        cache = cache.view(-1, pairs.size(1), 1, pairs.size(3), 2)
        turned = torch.stack(
            [
                pairs[..., 0] * cache[..., 0] - pairs[..., 1] * cache[..., 1],
                pairs[..., 1] * cache[..., 0] + pairs[..., 0] * cache[..., 1],
            ],
            -1,
        )
        return turned.flatten(3).type_as(x)


@sound(
    OWN,
    pairing="half",
    layout="bhsd",
    tables="positions",
    positions="any",
    arguments=("q", "k", "positions"),
)
class LlamaWhole(torch.nn.Module):
    def forward(self, q, k, position_ids):
        angles = (position_ids[..., None].float() * inverse(q.shape[-1]))[:, None]
        cos, sin = torch.cat((angles, angles), -1).cos(), torch.cat((angles, angles), -1).sin()
        return tuple((wide(x) * cos + rotate_half(wide(x)) * sin).to(x.dtype) for x in (q, k))


@sound(
    OWN,
    pairing="interleaved",
    layout="bhsd",
    tables="positions",
    positions="offset",
    arguments=("x", "offset=offset"),
)
def mlx_rope(x, theta=10000.0, offset=0):
    angles = torch.arange(offset, offset + x.shape[2]).float()[:, None] * inverse(
        x.shape[-1], theta
    )
    a, b = wide(x)[..., ::2], wide(x)[..., 1::2]
    out = torch.stack(
        (a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()), -1
    )
    return out.flatten(-2).to(x.dtype)


@sound(OWN, pairing="half", layout="bshd", tables="positions", positions="from 0", arguments=("x",))
class NanoGpt(torch.nn.Module):
    def forward(self, x):
        angles = torch.outer(torch.arange(x.shape[1]).float(), inverse(x.shape[-1]))[None, :, None]
        a, b = wide(x).chunk(2, -1)
        return torch.cat(
            (a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()), -1
        ).to(x.dtype)


@sound(
    OWN,
    pairing="half",
    layout="bshd",
    tables="positions",
    positions="any",
    theta=500000.0,
    rotary_dim=16,
)
def partial_in_float64(x, positions):
    angles = (
        positions.double()[..., None] * 500000.0 ** (-torch.arange(0, 16, 2).double() / 16)
    ).unsqueeze(-2)
    own = x[..., :16].double()
    a, b = own.chunk(2, -1)
    turned = torch.cat(
        (a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()), -1
    )
    return torch.cat((turned.to(x.dtype), x[..., 16:]), -1)
