"""Several sequences in one tensor, one after another,
of which `cu_seqlens` tells where each begins."""

import torch
from identifying import Corpus

expect = Corpus()
PACKED = {"pairing": "half", "layout": "thd"}


def in_halves(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def positions_of(cu_seqlens):
    return torch.cat([torch.arange(n) for n in (cu_seqlens[1:] - cu_seqlens[:-1]).tolist()])


@expect(**PACKED, tables="half-width", argument_order=("q", "k", "cos", "sin", "cu_seqlens", "S"))
def looked_up(q, k, cos, sin, cu_seqlens, max_seqlen):
    rows = positions_of(cu_seqlens)
    assert rows.max() < max_seqlen <= len(cos)
    cos, sin = cos[rows][:, None], sin[rows][:, None]
    return in_halves(q, cos, sin), in_halves(k, cos, sin)


@expect(**PACKED, tables="angles", argument_order=("x", "cu_seqlens", "table"))
def sequence_by_sequence(t, cu_seqlens, freqs):
    lengths = (cu_seqlens[1:] - cu_seqlens[:-1]).tolist()
    angles = [freqs[:length, None] for length in lengths]
    cos, sin = ([turn(each).to(t.dtype) for each in angles] for turn in (torch.cos, torch.sin))
    parts = map(in_halves, t.split(lengths), cos, sin)
    return torch.cat(list(parts))


@expect(
    **PACKED,
    tables="positions",
    argument_order=("q", "k", "cu_seqlens"),
    theta=10000.0,
    positions="from 0",
)
def angles_of_its_own(q, k, cu_seqlens):
    frequencies = 10000.0 ** (-torch.arange(0, q.shape[-1], 2).float() / q.shape[-1])
    angles = torch.outer(positions_of(cu_seqlens).float(), frequencies)[:, None]
    return in_halves(q, angles.cos(), angles.sin()), in_halves(k, angles.cos(), angles.sin())


@expect(**PACKED, tables="half-width", choices=("sequences",))
def row_by_row(q, k, cos, sin, cu_seqlens):
    assert cu_seqlens[-1] == len(q)
    cos, sin = cos[:, None], sin[:, None]
    return in_halves(q, cos, sin), in_halves(k, cos, sin)


@expect(**PACKED, tables="half-width", mistakes=("sequences",))
def one_row_late(q, k, cos, sin, cu_seqlens):
    rows = positions_of(cu_seqlens)
    rows[int(cu_seqlens[1]) :] = (rows[int(cu_seqlens[1]) :] + 1).clamp(max=len(cos) - 1)
    cos, sin = cos[rows][:, None], sin[rows][:, None]
    return in_halves(q, cos, sin), in_halves(k, cos, sin)


@expect(**PACKED, tables="half-width", mistakes=("sequences",))
def tables_up_to_max_seqlen_row_by_row(q, k, cos, sin, cu_seqlens, max_seqlen):
    cos, sin = cos[: len(q), None], sin[: len(q), None]
    return in_halves(q, cos, sin), in_halves(k, cos, sin)


@expect(**PACKED, tables="half-width", choices=("sequences",), unknown=True)
def tables_of_any_length_row_by_row(q, k, cos, sin, cu_seqlens):
    cos, sin = cos[: len(q), None], sin[: len(q), None]
    return in_halves(q, cos, sin), in_halves(k, cos, sin)


def rows_of_rank(cp_rank, cp_size, length, angles, start):
    part, full = length // 2, cp_size * length
    if cp_size == 1:
        return angles[start : start + length]
    front, back = start + cp_rank * part, start + full - (cp_rank + 1) * part
    return torch.cat((angles[front : front + part], angles[back : back + part]))


def of_rank(t, cu_seqlens, freqs, cp_rank, cp_size, starts):
    lengths = ((cu_seqlens[1:] - cu_seqlens[:-1]) // cp_size).tolist()
    own = [
        rows_of_rank(cp_rank, cp_size, *each)
        for each in zip(lengths, [freqs] * len(lengths), starts)
    ]
    angles = torch.cat(own)[:, None]
    return in_halves(t, angles.cos().to(t.dtype), angles.sin().to(t.dtype))


@expect(**PACKED, tables="angles", choices=("sequences",))
def shared_out(t, cu_seqlens, freqs, cp_rank=0, cp_size=1):
    """freqs has a row for each token of the pack, or for each position."""
    packed = len(freqs) == int(cu_seqlens[-1])
    starts = cu_seqlens.tolist() if packed else [0] * len(cu_seqlens)
    return of_rank(t, cu_seqlens, freqs, cp_rank, cp_size, starts)


@expect(**PACKED, tables="angles")
def shared_out_by_positions(t, cu_seqlens, freqs, cp_rank=0, cp_size=1):
    return of_rank(t, cu_seqlens, freqs, cp_rank, cp_size, [0] * len(cu_seqlens))


@expect(**PACKED, tables="angles", mistakes=("context-parallel",))
def shared_out_from_the_first(t, cu_seqlens, freqs, cp_rank=0, cp_size=1):
    """freqs has a row for each token of the pack, or for each position."""
    return of_rank(t, cu_seqlens, freqs, cp_rank, cp_size, [0] * len(cu_seqlens))
