"""Tables that are made of other ones, one behind the other: of an image and of its text."""

from collections.abc import Iterable

import torch
from torch import Tensor

SHORTEST = 2  # rows of a part, unless it is a whole table


def is_join(table: Tensor, parts: Iterable[Tensor]) -> bool:
    """Whether a table is made of others, each from its first row on, as far as it is needed.

    Args:
        table: (..., S, W), floating or complex.
        parts: the other ones.
    """
    rows = _rows(table)
    lists = [_rows(part) for part in parts if part.shape[-1] == table.shape[-1]]
    lists = [part for part in lists if part.is_complex() == rows.is_complex()]
    at = 0
    while at < len(rows):
        length = max((_run(rows[at:], part) for part in lists), default=0)
        if not length:
            return False
        at += length
    return bool(lists)


def _rows(table: Tensor) -> Tensor:
    """The rows (N, W) of a table (..., S, W), of like ones in a batch those of the first."""
    values = table.detach().cpu()
    values = values.to(torch.complex128) if values.is_complex() else values.double()
    while values.dim() > 2:
        same = bool((values == values[:1]).all())
        values = values[0] if same else values.flatten(0, 1)
    return values.reshape(-1, values.shape[-1])


def _run(rows: Tensor, part: Tensor) -> int:
    """How many of the first rows (N, W) are the first ones of a table (M, W); 0: too few."""
    count = min(len(rows), len(part))
    equal = (rows[:count] == part[:count]).all(1)
    length = int(equal.int().cumprod(0).sum())
    return length if length >= min(SHORTEST, len(part)) else 0
