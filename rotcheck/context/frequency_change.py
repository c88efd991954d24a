"""From which position on the frequencies of an object are others, as those of dynamic NTK and LongRoPE are."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from rotcheck.context.angle_profile import HONEST, POSITIONS, AngleProfile
from rotcheck.context.angle_sources import ROWS, AngleSource, RotationSource
from rotcheck.identify.angles.length_dependence import SMALL, slows_down
from rotcheck.identify.angles.measured_angles import Angles, estimate_frequencies, same_row, wrap

EXACT = 1e-3  # radians: less than what frequencies are fitted to
FIRST, MOST_COUNTED = 257, 16385  # positions; one that makes all rows is asked for fewer


def first_change(fresh: Callable[[], AngleSource], profile: AngleProfile) -> tuple[int | None, int]:
    """Return the first position beside which position 1 turns by another angle, and the last one that was asked for.

    None: none that it takes does. `fresh`: an object that was asked for nothing yet, since one that was asked for many
    rows may keep what it made for them.
    """
    if profile.asking == "none":
        return None, 0
    if profile.asking == "offset":
        return _behind(fresh()), 0
    few = _row_one(fresh(), (0, 1, 2, 3))
    last_same = 3
    for position in _positions(fresh(), profile):
        try:
            alike = same_row(_row_one(fresh(), (1, position)), few)
        except Exception:  # it takes no position as large as this
            break
        if not alike:
            return _between(
                last_same, position, lambda at: same_row(_row_one(fresh(), (1, at)), few)
            ), position
        last_same = position
    return None, last_same


def _behind(source: AngleSource) -> int | None:
    """Return the first offset whose frequencies are slower, of one that counts from it; None: none that it takes.

    They change little by little: it is the first whose phase is not that of the first frequencies any more.
    """
    assert isinstance(source, RotationSource), "tables have no offset of their own"
    few = _rows(source, range(SMALL + 1))
    frequencies = estimate_frequencies(few, SMALL)

    def right(position: int) -> bool:
        angles = _rows(source, range(position, position + ROWS))[position] - few[0]  # (P,)
        return bool(
            wrap(angles - position * frequencies).abs().max() < max(EXACT, HONEST * position)
        )

    for position in (one for one in POSITIONS[:-1] if one >= FIRST):
        try:
            far = _rows(source, range(position, position + ROWS))
            if slows_down(few | far):
                return _between(SMALL, position, right)
        except Exception:  # it takes no offset as large as this
            return None
    return None


def _rows(source: RotationSource, positions: range) -> Angles:
    turns = source.call(positions, positions.start)
    return dict(zip(positions, torch.atan2(turns.sin, turns.cos)))


def _positions(source: AngleSource, profile: AngleProfile) -> list[int]:
    most = POSITIONS[-2] if profile.asking == "any" else source.range_to(MOST_COUNTED).last
    last = most if profile.last is None else min(most, profile.last)
    return [position for position in POSITIONS if FIRST <= position <= last]


def _row_one(source: AngleSource, positions: Sequence[int]) -> Tensor:
    turns = source.ask(positions)
    at = list(positions).index(1)
    return torch.atan2(turns.sin, turns.cos)[at]


def _between(last_same: int, first_other: int, alike: Callable[[int], bool]) -> int:
    while first_other - last_same > 1:
        middle = (last_same + first_other) // 2
        if alike(middle):
            last_same = middle
        else:
            first_other = middle
    return first_other
