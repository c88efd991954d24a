"""The sizes of the calls that measure a function, and the tables and values that go in."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import FORMS, Convention
from rotcheck.convention.calls import sizes_of
from rotcheck.implementations.triton_interpreter import interprets


@dataclass(frozen=True, slots=True)
class ProbeSizes:
    """The sizes of a call, all different, and the positions of its rows."""

    batch: int = 6  # neither 2 nor 3: a tuple of tables can be told from a batch that is unpacked
    length: int = 5
    heads: int = 7
    width: int = 16
    rotary: int = 16  # lanes that the tables are made for
    positions: tuple[int, ...] = (0, 1, 2, 3, 4)

    def sizes(self, convention: Convention) -> dict[str, int]:
        """The sizes of a call by their roles."""
        return sizes_of(convention, self.batch, self.length, self.heads, self.width, self.rotary)


def usual_sizes(**sizes: Any) -> ProbeSizes:
    """These sizes, and the usual ones for the rest; smaller ones where calls are slow."""
    if interprets():
        return ProbeSizes(**{"batch": 4, "heads": 3, **sizes})
    return ProbeSizes(**sizes)


def distinct_tables(probe: ProbeSizes, lanes: int) -> tuple[Tensor, Tensor]:
    """Make cos and sin tables (S, W) in which all entries of a row differ, float64.

    They are multiples of 1/256, which bfloat16 holds:
    a function that rounds inside is read all the same.
    """
    step = 256 if 2 * lanes <= 170 else 2048
    grid = torch.arange(step // 5, step * 9 // 10, dtype=torch.float64) / step
    generator = torch.Generator().manual_seed(1)
    orders = [torch.randperm(len(grid), generator=generator) for _ in range(probe.length)]
    table = grid[torch.stack(orders)[:, : 2 * lanes]]  # (S, 2W)
    return table[:, :lanes], table[:, lanes:]


@cache
def probe_tables(form: str, probe: ProbeSizes) -> tuple[tuple[Tensor, ...], Tensor, Tensor]:
    """Make tables of a form (S, W, ...); with them, the cos and sin (S, W) that they stand for."""
    tables = FORMS[form]
    cos, sin = distinct_tables(probe, probe.rotary if tables.repeats else probe.rotary // 2)
    if tables.angular:
        angles = 0.15 + 1.2 * cos  # distinct cosines, distinct sines, none alike
        return (angles,), angles.cos(), angles.sin()
    return tables.join(cos, sin), cos, sin


@cache
def random_values(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """Values between -1 and 1, float64, shared by all calls: copy them before they go in."""
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1
