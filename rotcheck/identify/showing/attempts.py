"""The calls in which a mistake may show, smallest first."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import torch

from rotcheck.convention import Convention
from rotcheck.measure.case import Case, Sizes

FEW = (0, 1, 2, 3)
AN_ODD_NUMBER = (0, 1, 2)
MANY = tuple(range(300))
HARD = (0, 1, 2, 3, 257, 1000, 2049, 4097, 16385, 65537)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call in which a mistake may show: its convention, sizes and dtype."""

    convention: Convention
    sizes: Sizes
    dtype: torch.dtype = torch.float32
    before: str = ""  # a call that is made first, as its arguments: "offset=0"
    earlier: tuple[int, ...] = ()  # positions of a call that is made first
    # of the tables, which the positions index; 0: one for each position
    rows: int = 0


def attempts(
    conventions: Iterable[Convention], width: int, heads: int, dtype: torch.dtype = torch.float32
) -> list[Attempt]:
    """Calls in which a mistake may show, smallest first."""
    tries: list[Attempt] = []
    for convention in conventions:
        width_of_head, few = convention.head_dim or width, convention.heads or 2
        small = width_of_head if convention.head_dim else max(8, 2 * (convention.rotary_dim or 0))
        has_batch_rows = "b" in convention.axes and (
            "b" in convention.table_axes
            or ("b" in convention.position_axes and convention.positions == "any")
        )
        rows = (FEW, tuple(reversed(FEW)))
        hard = Sizes(2, few, few, width_of_head, HARD)
        sizes = [
            *([Sizes(2, few, few, small, rows)] if has_batch_rows else []),
            *(Sizes(2, few, few, lanes, FEW) for lanes in dict.fromkeys((small, width_of_head))),
            Sizes(2, few, few, small, AN_ODD_NUMBER),
            Sizes(6, heads, heads, width_of_head, FEW),
        ]
        tries += [Attempt(convention, each, dtype) for each in sizes]
        tries.append(Attempt(replace(convention, last_position=None), hard, dtype))
        tries.append(Attempt(convention, hard, dtype))
        tries.append(Attempt(convention, Sizes(2, 5, 5, width_of_head, MANY), dtype))
    return tries


def case_of(attempt: Attempt) -> Case:
    """The case of a call: its tensors and tables, and the truth."""
    implementation = SimpleNamespace(convention=attempt.convention, device=torch.device("cpu"))
    return Case(cast(Any, implementation), attempt.dtype, attempt.sizes)
