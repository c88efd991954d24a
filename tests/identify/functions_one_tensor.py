"""Functions that take cos and sin in one tensor, each on another axis;
and tables of which one entry serves all."""

import torch
from identifying import Corpus
from torch import Tensor

expect = Corpus()


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def neighbours(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


@expect(pairing="half", tables="half-width", table_axes="sw", argument_order=("x", "cos/sin"))
def middle(x, table):
    return turn(x, table[:, 0, None], table[:, 1, None])


@expect(pairing="interleaved", tables="half-width", argument_order=("x", "cos/sin"))
def middle_of_neighbours(x, freqs):
    return neighbours(x, freqs[:, 0], freqs[:, 1])


@expect(pairing="half", tables="repeated", table_lanes="half", argument_order=("q", "k", "cos/sin"))
def middle_of_full_width(q, k, rope):
    cos, sin = (table[None, :, None] for table in rope.unbind(1))

    def turn_full(x: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        return x * cos + torch.cat((-b, a), -1) * sin

    return turn_full(q), turn_full(k)


@expect(tables="half-width", table_axes="bsw", layout="bshd", argument_order=("x", "cos/sin"))
def for_each_batch_row(x, rotary_emb):
    cos, sin = rotary_emb.unbind(-2)
    return turn(x, cos.unsqueeze(2), sin.unsqueeze(2))


@expect(tables="half-width", argument_order=("x", "cos/sin", "positions"))
def by_positions(x, table, position_ids):
    rows = table[position_ids]
    return turn(x, rows[:, :, 0, None], rows[:, :, 1, None])


@expect(tables="half-width", layout="sbhd", argument_order=("x", "cos/sin"))
def documented(x, cos_sin):
    """x: (S, B, H, D). cos_sin: (S, 2, D // 2), cos in row 0, sin in row 1."""
    return turn(x, cos_sin[:, 0][:, None, None], cos_sin[:, 1][:, None, None])


@expect(tables="half-width", layout="bshd", argument_order=("x", "sin/cos"))
def sin_in_front(x, sincos):
    return turn(x, sincos[:, 1, None], sincos[:, 0, None])


@expect(layout="qkv", tables="half-width", argument_order=("qkv", "cos/sin"))
def middle_of_packed(qkv, rope_cache):
    cos, sin = rope_cache[:, 0, None], rope_cache[:, 1, None]
    q, k, v = qkv.unbind(2)
    return torch.stack((turn(q, cos, sin), turn(k, cos, sin), v), 2)


@expect(tables="stacked", argument_order=("x", "table"))
def behind(x, table):
    return turn(x, table[:, None, :, 0], table[:, None, :, 1])


@expect(tables="stacked-sin-first", pairing="half", argument_order=("x", "table"))
def behind_with_sin_first(x, table):
    sin, cos = table.unbind(-1)
    return turn(x, cos[:, None], sin[:, None])


@expect(tables="half-width", table_axes="s1w", argument_order=("x", "cos", "sin"))
def squeezes(x, cos, sin):
    return turn(x, cos[:, 0, None], sin[:, 0, None])


@expect(mistakes=("no-convention",), direction=None, output_lanes=None)
def one_frequency(x, cos, sin):
    """Rotate halves.

    x: (B, S, H, D)
    cos, sin: (S, D // 2)
    """
    return turn(x, cos[:, None, :1], sin[:, None, :1])


@expect(mistakes=("no-convention",))
def one_frequency_of_stacked(x, table):
    """Rotate neighbours.

    x: (B, S, H, D)
    table: (S, D // 2, 2), cos and sin of each pair
    """
    return neighbours(x, table[:, None, :1, 0], table[:, None, :1, 1])


@expect(mistakes=("no-convention",), direction=None, output_lanes=None)
def one_frequency_of_cos(x, cos, sin):
    return turn(x, cos[:, None, :1], sin[:, None])


@expect(unknown=True, choices=("no-convention",), direction=None, output_lanes=None)
def one_of_several_tables(x, rope, is_local: bool):
    """The tensor has a table for global layers, and one for local ones."""
    cos, sin = rope[int(is_local)]
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


@expect(unknown=True, choices=("no-convention",))
def of_an_odd_table(x, table):
    """One number for each row and term stands in places that nobody would guess."""
    return turn(x, table[:, 2, None, None], table[:, 3, None, None])


@expect(unknown=True, choices=("per-batch",), tables="half-width", argument_order=("x", "cos/sin"))
def of_layers(x, rope_tables, layer: int = 0):
    """The first axis of its tables is that of layers, and nothing says so."""
    cos, sin = rope_tables[layer].unbind(1)
    return turn(x, cos, sin)


@expect(pairing="half", tables="repeated", layout="bhsd")
def squeezed(q, k, cos, sin, position_ids):
    """Right for tables (1, 1, S, D); of tables (S, 1, D) it does not take a single row."""
    cos, sin = (table.squeeze(1).squeeze(0)[position_ids].unsqueeze(1) for table in (cos, sin))

    def turn_full(x: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        return x * cos + torch.cat((-b, a), -1) * sin

    return turn_full(q), turn_full(k)
