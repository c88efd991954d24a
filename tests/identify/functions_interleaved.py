"""Rotations of neighbours (lane 2i with 2i + 1) by tables that are handed in,
as the field writes them."""

import torch
from identifying import Corpus
from torch import Tensor

expect = Corpus()


def turn_neighbours(x: Tensor) -> Tensor:
    return torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)


@expect(pairing="interleaved", layout="bshd", tables="complex", argument_order=("q", "k", "table"))
def two_complex(wq, wk, cis):
    q, k = (torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2)) for x in (wq, wk))
    cis = cis.view(1, q.shape[1], 1, q.shape[3])
    q, k = (torch.view_as_real(x * cis).flatten(3) for x in (q, k))
    return q.type_as(wq), k.type_as(wk)


@expect(pairing="interleaved", layout="bhsd", tables="complex", argument_order=("x", "table"))
def one_complex(t, rot):
    z = torch.view_as_complex(t.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(z * rot[None, None]).flatten(-2).to(t.dtype)


@expect(
    pairing="interleaved",
    layout="bshd",
    tables="complex",
    argument_order=("x", "table"),
    direction=-1,
    choices=("direction",),
)
def conjugated(x, phases):
    z = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(z * phases.conj()[:, None]).flatten(-2).to(x.dtype)


@expect(pairing="interleaved", layout="bshd", tables="stacked", argument_order=("x", "table"))
def real_and_imaginary(x, rope_cache):
    pairs = x.float().reshape(*x.shape[:-1], -1, 2)
    cache = rope_cache[: x.size(1)].view(1, pairs.size(1), 1, pairs.size(3), 2)
    turned = torch.stack(
        (
            pairs[..., 0] * cache[..., 0] - pairs[..., 1] * cache[..., 1],
            pairs[..., 1] * cache[..., 0] + pairs[..., 0] * cache[..., 1],
        ),
        -1,
    )
    return turned.flatten(3).type_as(x)


@expect(pairing="interleaved", layout="bhsd", tables="matrix", argument_order=("q", "k", "table"))
def two_by_two(xq, xk, pe):
    def turned(x: Tensor) -> Tensor:
        columns = x.float().reshape(*x.shape[:-1], -1, 1, 2)
        return (
            (pe[..., 0] * columns[..., 0] + pe[..., 1] * columns[..., 1])
            .reshape(x.shape)
            .type_as(x)
        )

    return turned(xq), turned(xk)


@expect(
    pairing="interleaved",
    layout="bshd",
    tables="repeated",
    table_lanes="interleaved",
    argument_order=("x", "sin", "cos"),
)
def sine_first(x, s, c):
    return x * c[:, None] + turn_neighbours(x) * s[:, None]


@expect(
    pairing="interleaved", layout="bshd", tables="half-width", argument_order=("x", "sin", "cos")
)
def repeats_by_itself(tensor, sin, cos):
    sin, cos = (t.repeat_interleave(2, -1)[:, None] for t in (sin, cos))
    return tensor * cos + turn_neighbours(tensor) * sin


@expect(
    pairing="interleaved",
    layout="bhsd",
    tables="repeated",
    table_lanes="half",
    argument_order=("q", "k", "cos", "sin"),
    output_lanes="de-interleaved",
)
def written_as_halves(q, k, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)

    def turned(x: Tensor) -> Tensor:
        x = torch.cat((x[..., ::2], x[..., 1::2]), -1)
        a, b = x.chunk(2, -1)
        return x * cos + torch.cat((-b, a), -1) * sin

    return turned(q), turned(k)


@expect(
    pairing="interleaved",
    layout=None,
    tables="repeated",
    argument_order=("x", "sin+cos"),
    ambiguous=("layout",),
)
def joined_tables(x, emb):
    sin, cos = emb.tensor_split(2, -1)
    return x * cos + turn_neighbours(x) * sin


@expect(
    pairing="interleaved",
    layout="thd",
    tables="half-width",
    positions="tables",
    argument_order=("positions", "q", "k", "D", "cos+sin"),
)
def tokens_of_two(positions, query, key, head_size, cos_sin_cache):
    cos, sin = cos_sin_cache.index_select(0, positions.flatten()).chunk(2, -1)

    def turned(x: Tensor) -> Tensor:
        n = x.shape[0]
        pairs = x.view(n, -1, head_size)
        a, b = pairs[..., ::2], pairs[..., 1::2]
        c, s = cos[:, None], sin[:, None]
        return torch.stack((a * c - b * s, b * c + a * s), -1).flatten(-2).view(x.shape)

    return turned(query), turned(key)


@expect(pairing="interleaved", layout="bhsd", tables="angles", argument_order=("table", "x"))
def angles_in_front(theta, x):
    cos, sin = theta.cos(), theta.sin()
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2).to(x.dtype)


@expect(
    pairing="interleaved",
    layout="bshd",
    tables="half-width",
    in_place=True,
    argument_order=("x", "cos", "sin"),
)
def by_columns_in_place(x, cos, sin):
    cos, sin = cos[:, None], sin[:, None]
    even, odd = x[..., ::2].clone(), x[..., 1::2].clone()
    x[..., ::2], x[..., 1::2] = even * cos - odd * sin, odd * cos + even * sin


@expect(
    pairing="interleaved",
    layout="bshd",
    tables="half-width",
    rotary_dim=None,
    argument_order=("x", "cos", "sin"),
)
def narrow_tables_rotate_fewer(x, cos, sin):
    lanes = 2 * cos.shape[-1]
    a, b = x[..., :lanes:2], x[..., 1:lanes:2]
    c, s = cos[:, None], sin[:, None]
    turned = torch.stack((a * c - b * s, b * c + a * s), -1).flatten(-2)
    return torch.cat((turned, x[..., lanes:]), -1)


@expect(
    pairing="interleaved",
    layout="qkv",
    tables="half-width",
    argument_order=("qkv", "(cos, sin)"),
    rotates_v=False,
)
def packed_with_a_pair(packed, tables):
    c, s = (t[None, :, None] for t in tables)
    q, k, v = packed.unbind(2)

    def turned(x: Tensor) -> Tensor:
        a, b = x[..., ::2], x[..., 1::2]
        return torch.stack((a * c - b * s, b * c + a * s), -1).flatten(-2)

    return torch.stack((turned(q), turned(k), v), 2)


@expect(
    pairing="interleaved",
    layout="bshd",
    tables="half-width",
    argument_order=("q", "k", "cos", "sin"),
)
@torch.jit.script
def scripted_pair(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    c, s = cos.unsqueeze(1), sin.unsqueeze(1)
    qa, qb, ka, kb = q[..., ::2], q[..., 1::2], k[..., ::2], k[..., 1::2]
    first = torch.stack((qa * c - qb * s, qb * c + qa * s), -1).flatten(-2)
    second = torch.stack((ka * c - kb * s, kb * c + ka * s), -1).flatten(-2)
    return first, second


@expect(
    pairing="interleaved",
    layout="bhsd",
    tables="half-width",
    argument_order=("x", "cos", "sin"),
    dtype_rule="computes in float32 and rounds once",
)
def in_double(x, cos, sin):
    a, b = x.double().unflatten(-1, (-1, 2)).unbind(-1)
    c, s = cos[None, None], sin[None, None]
    return torch.stack((a * c - b * s, b * c + a * s), -1).flatten(-2).to(x)


@expect(pairing="interleaved", tables="half-width", argument_order=("sin|cos", "x"))
def any_number_of_tensors(sinusoidal, *tensors):
    sin, cos = (sinusoidal[..., start::2].repeat_interleave(2, -1) for start in (0, 1))
    turned = [torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2) for x in tensors]
    return [x * cos + other * sin for x, other in zip(tensors, turned, strict=True)]


@expect(
    pairing="interleaved",
    layout="bshd",
    tables="complex",
    argument_order=("x", "table", "device=device"),
)
def on_cuda_by_default(x, freqs_cis, device="cuda"):
    wide = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(wide * freqs_cis[None, :, None]).flatten(-2).type_as(x).to(device)


@expect(pairing="interleaved", tables="repeated", argument_order=("(cos, sin)", "x"))
def stacked_and_called_frequencies(freqs, t):
    """As LightGlue has it: both tables in one tensor, whose name says that it holds frequencies."""
    return t * freqs[0] + torch.stack((-t[..., 1::2], t[..., ::2]), -1).flatten(-2) * freqs[1]
