"""What kernels do with heads, strides and rows of tables, done by PyTorch:
what a docstring says decides."""

import torch
from identifying import Corpus
from torch import nn

expect = Corpus()


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def first_rows(table, length, width):
    """Read a table from memory, as one that has no batch: (length, 1, width / 2)."""
    return table.reshape(-1)[: length * width // 2].view(length, 1, width // 2)


@expect(pairing="half", layout="bshd", tables="half-width")
def one_table_for_all(x, cos, sin):
    """x: (batch, length, heads, head_dim); cos, sin: (length, head_dim // 2)."""
    return rotate(x, *(first_rows(table, x.shape[1], x.shape[-1]) for table in (cos, sin)))


@expect(pairing="half", layout="bshd", tables="half-width", choices=("per-batch",), unknown=True)
def first_of_the_batch_or_one_for_all(x, cos, sin):
    return rotate(x, *(first_rows(table, x.shape[1], x.shape[-1]) for table in (cos, sin)))


@expect(pairing="half", layout="bshd", tables="half-width", mistakes=("per-batch",))
def first_of_the_batch(x, cos, sin):
    """x: (batch, length, heads, head_dim); cos, sin: (1 or batch, length, head_dim // 2)."""
    return rotate(x, *(first_rows(table, x.shape[1], x.shape[-1]) for table in (cos, sin)))


def one_head_for_all(q, k, cos, sin):
    cos, sin = cos[:, None], sin[:, None]
    turned = k.clone()
    for head in range(q.shape[2]):
        own = turned.expand(-1, -1, q.shape[2], -1)[:, :, head : head + 1]
        own.copy_(rotate(own, cos, sin))
    return rotate(q, cos, sin), turned


@expect(pairing="half", tables="half-width", mistakes=("gqa",))
def one_kv_head_once_for_each_head(q, k, cos, sin):
    """k: heads as q has, or one head for all."""
    return one_head_for_all(q, k, cos, sin)


@expect(pairing="half", tables="half-width", choices=("gqa",))
def as_many_heads_in_both(q, k, cos, sin):
    return one_head_for_all(q, k, cos, sin)


@expect(pairing="half", tables="half-width")
def any_heads_of_either(q, k, cos, sin):
    """k: of kv_heads."""
    return rotate(q, cos[:, None], sin[:, None]), rotate(k, cos[:, None], sin[:, None])


def by_rows(x, cos, sin):
    rows = x.transpose(
        1, 2
    ).contiguous()  # what lies row by row in memory is turned there, all else is copied
    rows.copy_(rotate(rows, cos[:, None], sin[:, None]))
    return rows.transpose(1, 2)


@expect(pairing="half", layout="bhsd", tables="half-width")
def in_the_memory_of_rows(q, k, cos, sin):
    """q: (batch, n_q_head, seq_len, head_dim); k: (batch, n_kv_head, seq_len, head_dim)."""
    return by_rows(q, cos, sin), by_rows(k, cos, sin)


@expect(pairing="half", layout="bhsd", tables="half-width", mistakes=("gqa",))
def in_the_memory_of_fewer_heads(q, k, cos, sin):
    """q: (batch, n_q_head, seq_len, head_dim); k: (batch, n_kv_head, seq_len, head_dim)."""
    cos, sin = (table.view(1, 1, q.shape[2], -1) for table in (cos, sin))
    turned = rotate(k, cos, sin)
    return rotate(q, cos, sin), k.copy_(turned) if k.shape[1] < q.shape[1] else turned


def all_but_the_last_head(qkv, cos, sin, heads, slots):
    out = qkv.clone().movedim((slots, heads), (0, 1))
    out[:2, :-1] = rotate(out[:2, :-1], cos, sin)
    return out.movedim((0, 1), (slots, heads))


@expect(pairing="half", layout="bhs3d", tables="half-width", mistakes=("per-head",))
def slots_behind_rows(qkv, cos, sin):
    return all_but_the_last_head(qkv, cos, sin, 1, 3)


@expect(pairing="half", layout="qkv", tables="half-width", mistakes=("per-head",))
def slots_in_front_of_heads(qkv, cos, sin):
    return all_but_the_last_head(qkv, cos, sin, 3, 2)


class OfAxes(nn.Module):
    """positions are (3, tokens): time, height and width; q and k (tokens, heads * head_size)."""

    def __init__(self, head_size=64, mrope_section=(8, 12, 12)):
        super().__init__()
        self.frequencies = 10000.0 ** (-torch.arange(0, head_size, 2).float() / head_size)
        self.axis_of_pair = torch.repeat_interleave(torch.arange(3), torch.tensor(mrope_section))
        self.head_size = head_size

    def angles(self, positions):
        return positions[self.axis_of_pair].T.float() * self.frequencies

    def forward(self, positions, q, k):
        angle = self.angles(positions)[:, None]

        def turn(x):
            return rotate(x.unflatten(-1, (-1, self.head_size)), angle.cos(), angle.sin()).flatten(
                1
            )

        return turn(q), turn(k)


@expect(kind="both", pairing="half", tables="positions")
class ByTimeHeightAndWidth(OfAxes):
    pass


@expect(kind="both", pairing="half", tables="positions", mistakes=("coordinates",))
class ByTimeAlone(OfAxes):
    def angles(self, positions):
        return positions[0][:, None].float() * self.frequencies
