"""q, k and v in one tensor, (B, S, 3, H, D): which of its parts turned, and how?"""

from collections.abc import Iterator

from torch import Tensor

from rotcheck.rotary.frequencies import wrap
from rotcheck.witness.turning import STILL, Turn, find_turn

Part = tuple[int, int]
"""The axis along which parts lie, and the place of one."""


def turns_of_parts(before: Tensor, after: Tensor) -> Iterator[tuple[Part | None, Turn]]:
    """Yield how a tensor turned: as a whole, or each part that turned, where these differ."""
    whole = find_turn(before, after)
    for axis in _part_axes(before):
        if whole is not None and _is_even(whole.angles, axis):
            continue
        places = range(before.shape[axis])
        turns = [find_turn(before.select(axis, at), after.select(axis, at)) for at in places]
        if any(turns):
            yield from (((axis, at), turn) for at, turn in enumerate(turns) if turn)
            return
    if whole is not None:
        yield None, whole


def _part_axes(x: Tensor) -> list[int]:
    """The axes that may hold q, k and v, or k and v."""
    if x.dim() < 5:
        return []
    axes = range(x.dim() - 1)
    threes = [axis for axis in axes if x.shape[axis] == 3]
    return threes + [axis for axis in axes if axis and x.shape[axis] == 2]


def _is_even(angles: Tensor, axis: int) -> bool:
    """Whether all places along an axis that turn do so alike."""
    parts = [part for part in angles.unbind(axis) if bool(wrap(part).abs().max() > STILL)]
    return all(bool(wrap(part - parts[0]).abs().max() <= STILL) for part in parts)
