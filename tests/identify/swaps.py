"""Pairs of functions that differ in one thing, for `--like`: what it says is to change
is carried out by the tests."""

import torch
from torch import Tensor


def angles(rows: int, lanes: int) -> Tensor:
    frequencies = 10000.0 ** (-torch.arange(0, lanes, 2, dtype=torch.float64) / lanes)
    return torch.outer(torch.arange(rows, dtype=torch.float64), frequencies)  # (S, D/2)


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def turn_neighbours(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x[..., ::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)


def _only(x: Tensor, *tables: Tensor, lanes: int = 2) -> None:
    """Refuse any other call than that of (B, S, H, D) with tables (S, W)."""
    assert x.dim() == 4
    assert all(
        table.dim() == 2 and len(table) == x.shape[1] and lanes * table.shape[-1] == x.shape[-1]
        for table in tables
    )


def halves(x, cos, sin):
    _only(x, cos, sin)
    return turn(x, cos[:, None], sin[:, None])


def halves_again(x, c, s):
    _only(x, c, s)
    return turn(x, c[:, None], s[:, None])


def neighbours(x, cos, sin):
    _only(x, cos, sin)
    return turn_neighbours(x, cos[:, None], sin[:, None])


def backwards(x, cos, sin):
    _only(x, cos, sin)
    return turn(x, cos[:, None], -sin[:, None])


def heads_in_front(x, cos, sin):
    _only(x.transpose(1, 2), cos, sin)
    return turn(x, cos, sin)


def rows_in_front(x, cos, sin):
    _only(x.transpose(0, 1), cos, sin)
    return turn(x, cos[:, None, None], sin[:, None, None])


def sine_first(x, sin, cos):
    _only(x, cos, sin)
    return turn(x, cos[:, None], sin[:, None])


def full_tables(x, cos, sin):
    _only(x, cos, sin, lanes=1)
    half = cos.shape[-1] // 2
    assert not cos.is_complex()
    c, s = cos[:, None], sin[:, None]
    a, b = x.chunk(2, -1)
    return x * c + torch.cat((-b, a), -1) * s if half else x


def tables_each_twice(x, cos, sin):
    _only(x, cos, sin, lanes=1)
    c, s = cos[:, None], sin[:, None]
    return x * c + torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2) * s


def complex_table(x, cis):
    _only(x, cis)
    return turn(x, cis.real[:, None], cis.imag[:, None]).to(x.dtype)


def stacked_table(x, table):
    assert x.dim() == 4
    assert table.shape == (x.shape[1], x.shape[-1] // 2, 2)
    return turn(x, table[:, None, :, 0], table[:, None, :, 1])


def matrix_table(x, table):
    assert x.dim() == 4
    assert table.shape == (x.shape[1], x.shape[-1] // 2, 2, 2)
    return turn(x, table[:, None, :, 0, 0], table[:, None, :, 1, 0])


def angle_table(x, freqs):
    _only(x, freqs)
    return turn(x, freqs.cos()[:, None], freqs.sin()[:, None]).to(x.dtype)


def tables_of_a_batch(x, cos, sin):
    assert cos.dim() == 3
    assert cos.shape == (x.shape[0], x.shape[1], x.shape[-1] // 2)
    return turn(x, cos.unsqueeze(2), sin.unsqueeze(2))


def quarter_of_the_lanes(x, cos, sin):
    """Sixteen lanes, and tables of eight."""
    assert x.dim() == 4
    assert cos.shape == (x.shape[1], 8)
    return torch.cat((turn(x[..., :16], cos[:, None], sin[:, None]), x[..., 16:]), -1)


def quarter_of_the_lanes_in_neighbours(x, cos, sin):
    assert x.dim() == 4
    assert cos.shape == (x.shape[1], 8)
    return torch.cat((turn_neighbours(x[..., :16], cos[:, None], sin[:, None]), x[..., 16:]), -1)


def counting(x):
    assert x.dim() == 4
    made = angles(x.shape[1], x.shape[-1])
    return turn(x, made.cos()[:, None].to(x.dtype), made.sin()[:, None].to(x.dtype))


def counting_by_another_theta(x):
    assert x.dim() == 4
    made = angles(x.shape[1], x.shape[-1])
    frequencies = 500000.0 ** (-torch.arange(0, x.shape[-1], 2, dtype=torch.float64) / x.shape[-1])
    made = made[:, :1] * frequencies
    return turn(x, made.cos()[:, None].to(x.dtype), made.sin()[:, None].to(x.dtype))


def at_positions(x, positions):
    assert positions.dim() == 1
    frequencies = 10000.0 ** (-torch.arange(0, x.shape[-1], 2, dtype=torch.float64) / x.shape[-1])
    made = positions[:, None] * frequencies
    return turn(x, made.cos()[:, None].to(x.dtype), made.sin()[:, None].to(x.dtype))


def both_wrong(x, cos, sin):
    _only(x, cos, sin)
    a, b = x.chunk(2, -1)
    c, s = cos[:, None], sin[:, None]
    return torch.cat((a * c + b * s, b * c + a * s), -1)


def make_tables(dim, end):
    made = angles(end, dim).float()
    return made.cos(), made.sin()


def make_complex(dim, end):
    made = angles(end, dim).float()
    return torch.polar(torch.ones_like(made), made)


def make_sine_first(dim, end):
    cos, sin = make_tables(dim, end)
    return sin, cos


def make_scaled(dim, end):
    """As YaRN scales them, by 0.1 ln 16 + 1."""
    cos, sin = make_tables(dim, end)
    return cos * 1.2772588722239782, sin * 1.2772588722239782


def make_full(seq_len, dim):
    made = torch.cat((angles(seq_len, dim),) * 2, -1).float()
    return made.cos()[None], made.sin()[None]


def make_at(position_ids):
    frequencies = 10000.0 ** (-torch.arange(0, 64, 2, dtype=torch.float64) / 64)
    made = position_ids[..., None] * frequencies
    return made.cos().float(), made.sin().float()


def make_stretched(dim, end):
    """As LongRoPE's factors do, a number of its own for each pair."""
    frequencies = 10000.0 ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    frequencies /= 1 + 0.02 * torch.arange(dim // 2)
    made = torch.outer(torch.arange(end, dtype=torch.float64), frequencies)
    return made.cos().float(), made.sin().float()


def make_by_length(dim, end):
    """Slower from 1,000 rows on."""
    cos, sin = make_stretched(dim, end) if end > 1000 else make_tables(dim, end)
    return cos, sin


def make_by_another_length(dim, end):
    """Slower from 5,000 rows on."""
    return make_stretched(dim, end) if end > 5000 else make_tables(dim, end)


class KeepsLongest:
    """Slower from 1,000 rows on, and for shorter sequences behind these too."""

    def __init__(self):
        self.longest = 0

    def __call__(self, dim, end):
        self.longest = max(self.longest, end)
        cos, sin = make_by_length(dim, self.longest)
        return cos[:end], sin[:end]


def make_wrapped(dim, end):
    """Right up to row 4,097, and that row again for all behind it."""
    cos, sin = make_tables(dim, end)
    rows = torch.arange(end).clamp(max=4097)
    return cos[rows], sin[rows]


def tables_of_any_batch(x, cos, sin):
    assert x.dim() == 4
    assert cos.shape in ((x.shape[0], x.shape[1], x.shape[-1] // 2), (x.shape[1], x.shape[-1] // 2))
    return turn(x, cos.unsqueeze(-2), sin.unsqueeze(-2))


def q_and_k(q, k, cos, sin):
    _only(q, cos, sin)
    _only(k, cos, sin)
    return turn(q, cos[:, None], sin[:, None]), turn(k, cos[:, None], sin[:, None])


def lines_up(x, cos, sin):
    return turn(x, cos, sin)
