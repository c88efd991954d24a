"""From which position on the frequencies of an object are others, as those of dynamic NTK and LongRoPE are."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from rotcheck.context.known import POSITIONS, Known
from rotcheck.context.sources import Source
from rotcheck.identify.frequencies import same_row

FIRST, MOST_COUNTED = 257, 16385  # positions; one that makes all rows is asked for fewer


def change(fresh: Callable[[], Source], known: Known) -> tuple[int | None, int]:
    """Return the first position beside which position 1 turns by another angle, and the last one that was asked for.

    None: none that it takes does. `fresh`: an object that was asked for nothing yet, since one that was asked for many
    rows may keep what it made for them.
    """
    if known.asking in ("offset", "none"):
        return None, 0
    few = _row_one(fresh(), (0, 1, 2, 3))
    same = 3
    for position in _wanted(fresh(), known):
        try:
            alike = same_row(_row_one(fresh(), (1, position)), few)
        except Exception:  # it takes no position as large as this
            break
        if not alike:
            return _between(fresh, few, same, position), position
        same = position
    return None, same


def _wanted(asked: Source, known: Known) -> list[int]:
    most = POSITIONS[-2] if known.asking == "any" else asked.reached(MOST_COUNTED).last
    last = most if known.last is None else min(most, known.last)
    return [position for position in POSITIONS if FIRST <= position <= last]


def _row_one(asked: Source, positions: Sequence[int]) -> Tensor:
    turns = asked.ask(positions)
    at = list(positions).index(1)
    return torch.atan2(turns.sin, turns.cos)[at]


def _between(fresh: Callable[[], Source], few: Tensor, same: int, other: int) -> int:
    while other - same > 1:
        middle = (same + other) // 2
        if same_row(_row_one(fresh(), (1, middle)), few):
            same = middle
        else:
            other = middle
    return other
