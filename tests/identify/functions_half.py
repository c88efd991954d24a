"""Rotations of halves (lane i with i + d/2) by tables that are handed in,
as the field writes them."""

import functools

import torch
from identifying import Corpus
from torch import Tensor

expect = Corpus()


def turn_half(x: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat((-second, first), -1)


@expect(pairing="half", layout="bhsd", tables="repeated", argument_order=("q", "k", "cos", "sin"))
def batched_tables(query, key, cosines, sines):
    cosines, sines = cosines.unsqueeze(1), sines.unsqueeze(1)
    return query * cosines + turn_half(query) * sines, key * cosines + turn_half(key) * sines


@expect(pairing="half", layout="bshd", tables="repeated", argument_order=("q", "k", "cos", "sin"))
def batched_tables_heads_behind(query, key, cosines, sines, unsqueeze_dim=2):
    cosines, sines = cosines.unsqueeze(unsqueeze_dim), sines.unsqueeze(unsqueeze_dim)
    return query * cosines + turn_half(query) * sines, key * cosines + turn_half(key) * sines


@expect(
    pairing="half",
    layout="bhsd",
    tables="repeated",
    positions="tables",
    argument_order=("q", "k", "cos", "sin", "positions"),
)
def looked_up_by_positions(q, k, cos, sin, position_ids):
    cos, sin = cos[position_ids].unsqueeze(1), sin[position_ids].unsqueeze(1)  # (B, 1, S, D) each
    return q * cos + turn_half(q) * sin, k * cos + turn_half(k) * sin


@expect(pairing="half", layout="bhsd", tables="repeated", argument_order=("x", "sin", "cos"))
def nothing_in_the_names(a, b, c):
    n = a.size(-2)
    left, right = a[..., : a.size(-1) // 2], a[..., a.size(-1) // 2 :]
    return a * c[None, None, :n] + torch.cat([-right, left], dim=-1) * b[None, None, :n]


@expect(pairing="half", layout="bshd", tables="half-width", argument_order=("x", "cos", "sin"))
def narrow_tables(x, cos, sin):
    a, b = x.chunk(2, -1)
    cos, sin = cos[:, None], sin[:, None]  # (S, 1, D/2)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


@expect(pairing="half", layout="bhsd", tables="half-width", argument_order=("x", "(cos, sin)"))
def pair_of_tables(states, pe):
    cos, sin = pe
    one, two = states.unflatten(-1, (2, -1)).unbind(-2)
    return torch.stack((one * cos - two * sin, two * cos + one * sin), -2).flatten(-2)


@expect(pairing="half", layout="sbhd", tables="angles-repeated", argument_order=("x", "table"))
def angles_of_megatron(t, freqs):
    return t * freqs.cos().to(t.dtype) + turn_half(t) * freqs.sin().to(t.dtype)


@expect(
    pairing="half",
    layout="thd",
    tables="half-width",
    argument_order=("positions", "x", "cos+sin"),
    positions="tables",
)
def tokens_and_a_cache(positions, query, cos_sin_cache):
    cos, sin = cos_sin_cache[positions].chunk(2, -1)
    cos, sin = cos[:, None], sin[:, None]
    a, b = query.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


@expect(
    pairing="half", layout="bs(hd)", tables="half-width", argument_order=("x", "cos", "sin", "D")
)
def heads_and_lanes_in_one(hidden, cos, sin, head_dim):
    b, s, _ = hidden.shape
    x = hidden.view(b, s, -1, head_dim)
    a, b = x.chunk(2, -1)
    cos, sin = cos[:, None], sin[:, None]
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)


@expect(
    pairing="half",
    layout="bshd",
    tables="repeated",
    direction=-1,
    choices=("direction",),
    argument_order=("x", "cos", "sin"),
)
def backwards(x, cos, sin):
    cos, sin = cos[:, None, :], sin[:, None, :]
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((b, -a), -1) * sin


@expect(
    pairing="half",
    layout="bhsd",
    tables="repeated",
    argument_order=("q", "k", "cos=cos", "sin=sin"),
)
def by_keyword_only(xq, xk, *, cos, sin):
    cos, sin = cos[None, None], sin[None, None]
    return xq * cos + turn_half(xq) * sin, xk * cos + turn_half(xk) * sin


@expect(pairing="half", layout="bhsd", tables="repeated", argument_order=("x", "cos", "sin"))
def any_arguments(*args):
    x, cos, sin = args
    return x * cos[None, None] + turn_half(x) * sin[None, None]


@expect(
    pairing="half",
    layout="bshd",
    tables="half-width",
    in_place=True,
    argument_order=("x", "cos", "sin"),
)
def writes_where_it_reads(x, cos, sin):
    half = x.shape[-1] // 2
    cos, sin = cos[:, None], sin[:, None]
    a, b = x[..., :half].clone(), x[..., half:].clone()
    x[..., :half] = a * cos - b * sin
    x[..., half:] = b * cos + a * sin
    return x


@expect(
    pairing="half",
    layout="bshd",
    tables="half-width",
    in_place=True,
    argument_order=("q", "k", "cos", "sin"),
)
def returns_nothing(q, k, cos, sin):
    cos, sin = cos.unsqueeze(-2), sin.unsqueeze(-2)
    for x in (q, k):
        a, b = x.chunk(2, -1)
        fresh = torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
        x.copy_(fresh)


@expect(pairing="half", layout="bhsd", tables="half-width", argument_order=("x", "cos", "sin"))
@torch.jit.script
def scripted(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


@expect(
    pairing="half",
    layout="bshd",
    tables="half-width",
    argument_order=("q", "k", "v", "cos", "sin"),
    rotates_v=False,
)
def three_in_three_out(q, k, v, cos, sin):
    cos, sin = cos[None, :, None], sin[None, :, None]

    def turned(x: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    return turned(q), turned(k), v


@expect(
    pairing="half",
    layout="bshd",
    tables="repeated",
    rotary_dim=None,
    argument_order=("x", "cos", "sin"),
)
def as_many_lanes_as_the_table(x, cos, sin):
    lanes = cos.shape[-1]
    turning, still = x[..., :lanes], x[..., lanes:]
    cos, sin = cos[:, None], sin[:, None]
    return torch.cat((turning * cos + turn_half(turning) * sin, still), -1)


@expect(
    pairing="half",
    layout="bhsd",
    tables="repeated",
    argument_order=("x", "cos", "sin"),
    dtype_rule="computes in float32 and rounds once",
)
def in_float32(x, cos, sin):
    wide = x.float()
    return (wide * cos[None, None].float() + turn_half(wide) * sin[None, None].float()).type_as(x)


@expect(pairing="half", layout="bhsd", tables="half-width", argument_order=("x", "cos", "sin"))
def by_einsum(x, cos, sin):
    a, b = x.chunk(2, -1)
    turned = [
        torch.einsum("bhsd,sd->bhsd", one, table)
        for one, table in ((a, cos), (b, sin), (b, cos), (a, sin))
    ]
    return torch.cat((turned[0] - turned[1], turned[2] + turned[3]), -1)


@expect(pairing="half", layout="bshd", tables="repeated", argument_order=("q", "k", "(cos, sin)"))
def by_rolling(q, k, position_embeddings):
    cos, sin = (table[:, None] for table in position_embeddings)

    def turned(x: Tensor) -> Tensor:
        half = x.shape[-1] // 2
        sign = torch.ones(2 * half).index_fill(0, torch.arange(half), -1.0).to(x)
        return x * cos + x.roll(half, -1) * sign * sin

    return turned(q), turned(k)


@expect(pairing="half", layout="bshd", tables="complex", argument_order=("x", "table"))
def complex_halves(x, phasor):
    half = x.shape[-1] // 2
    z = torch.complex(x[..., :half].float(), x[..., half:].float()) * phasor[:, None]
    return torch.cat((z.real, z.imag), -1).to(x.dtype)


def _with_switch(x, cos, sin, neox):
    cos, sin = cos[:, None], sin[:, None]
    if not neox:
        a, b = x[..., ::2], x[..., 1::2]
        return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


bound_beforehand = functools.partial(_with_switch, neox=True)
expect.of(
    "bound_beforehand",
    pairing="half",
    layout="bshd",
    tables="half-width",
    argument_order=("x", "cos", "sin"),
)


class _Callable:
    def __call__(self, tensor, c, s):
        a, b = tensor.tensor_split(2, -1)
        return torch.cat((a * c - b * s, b * c + a * s), -1)


an_object = _Callable()
expect.of("an_object", pairing="half", layout=None, tables="half-width", ambiguous=("layout",))


@expect(pairing="half", layout="bhsd", tables="repeated", argument_order=("q", "k", "cos", "sin"))
def different_heads(q, k, cos, sin):
    rotated = []
    for x in (q, k):
        assert x.dim() == 4, "heads of one batch"
        rotated.append(
            x * cos.expand(x.shape[0], x.shape[1], -1, -1) + turn_half(x) * sin.expand_as(x)
        )
    return {"q": rotated[0], "k": rotated[1]}


@expect(pairing="half", layout="hsd", tables="repeated", argument_order=("x", "cos", "sin"))
def no_batch(heads, cos, sin):
    assert heads.dim() == 3, "(H, S, D)"
    return torch.addcmul(heads * cos.unsqueeze(0), turn_half(heads), sin.unsqueeze(0))


@expect(
    pairing="half",
    layout=None,
    tables="repeated",
    ambiguous=("layout",),
    argument_order=("x", "cos", "sin"),
)
def just_lines_up(x, cos, sin):
    return x * cos + turn_half(x) * sin


@expect(
    pairing="half",
    layout="qkv",
    tables="packed",
    argument_order=("qkv", "cos", "sin"),
    rotates_v=False,
    choices=("v-follows-tables",),
    ambiguous=("layout",),
)
def packed_as_in_sedd(qkv, cos, sin):
    return qkv * cos + turn_half(qkv) * sin


@expect(
    pairing="half",
    layout="qkv",
    tables="half-width",
    argument_order=("qkv", "cos", "sin"),
    rotates_v=False,
)
def packed_by_slices(qkv, cos, sin):
    cos, sin = cos[None, :, None, None], sin[None, :, None, None]
    a, b = qkv[:, :, :2].chunk(2, -1)
    return torch.cat((torch.cat((a * cos - b * sin, b * cos + a * sin), -1), qkv[:, :, 2:]), 2)


@expect(
    pairing="half",
    layout="3bhsd",
    tables="repeated",
    argument_order=("qkv", "cos", "sin"),
    rotates_v=False,
)
def packed_in_front(qkv, cos, sin):
    q, k, v = qkv
    q, k = (x * cos[None, None] + turn_half(x) * sin[None, None] for x in (q, k))
    return torch.stack((q, k, v))


@expect(
    pairing="half",
    layout="bsh(3d)",
    tables="repeated",
    argument_order=("qkv", "cos", "sin"),
    rotates_v=False,
)
def packed_behind_heads(mixed_x, cos, sin):
    q, k, v = mixed_x.chunk(3, -1)  # (B, S, H, D) each
    q, k = (x * cos[:, None] + turn_half(x) * sin[:, None] for x in (q, k))
    return torch.cat((q, k, v), -1)


@expect(
    pairing="half",
    layout="bhsd",
    tables="repeated",
    argument_order=("q", "k", "(cos, sin)"),
    rotary_dim=None,
)
def as_layers_of_transformers_pass_it(query_states, key_states, position_embeddings):
    cos, sin = (table.unsqueeze(1) for table in position_embeddings)
    return query_states * cos + turn_half(query_states) * sin, key_states * cos + turn_half(
        key_states
    ) * sin


@expect(
    pairing="half",
    layout="bshd",
    tables="half-width",
    argument_order=("x", "cos", "sin", "R"),
    rotary_dim=None,
)
def as_many_lanes_as_it_is_told(x, cos, sin, rotary_dim):
    cos, sin = cos[:, None], sin[:, None]
    a, b = x[..., :rotary_dim].chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin, x[..., rotary_dim:]), -1)


@expect(pairing="half", layout="bshd", tables="half-width", in_place=True, choices=("inference",))
def written_by_a_kernel(x, cos, sin):
    """Writes by a pointer, as a kernel does: autograd cannot see it, and nobody trains with it."""
    rows, c, s = x.detach().numpy(), cos[:, None].numpy(), sin[:, None].numpy()
    half = x.shape[-1] // 2
    a, b = rows[..., :half].copy(), rows[..., half:].copy()
    rows[..., :half], rows[..., half:] = a * c - b * s, b * c + a * s
    return x
