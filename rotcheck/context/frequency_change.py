"""The position where the frequencies of an object change, as in dynamic NTK and LongRoPE."""

from collections.abc import Callable, Sequence

from torch import Tensor

from rotcheck.context.angle_profile import FLOAT32_LOSS, AngleProfile
from rotcheck.context.angle_sources import ROWS, AngleSource
from rotcheck.context.asked_positions import LAST_FOR_FREQUENCIES, POSITIONS
from rotcheck.identify.angles.length_dependence import SMALL, slows_down
from rotcheck.identify.angles.measured_angles import Angles, estimate_frequencies, same_row
from rotcheck.measure.boundary import last_accepted
from rotcheck.rotary.frequencies import wrap

EXACT = 1e-3  # radians: less than what frequencies are fitted to
FIRST, MOST_ROWS = 257, 16385  # positions; an object that makes all rows is asked for fewer


def first_change(fresh: Callable[[], AngleSource], profile: AngleProfile) -> tuple[int | None, int]:
    """Find the first position beside which position 1 turns by another angle.

    Args:
        fresh: makes an object that was asked for nothing yet: one that was asked for many rows may
            keep what it made for them.
        profile: how to ask it.

    Returns:
        That position, or None if there is none among those that the object accepts; and the last
        position that was asked for.
    """
    if profile.asking == "none":
        return None, 0
    if profile.asking == "offset":
        return _first_slower_offset(fresh()), 0
    alone = _row_one(fresh(), (0, 1, 2, 3))

    def keeps_row_one(position: int) -> bool:
        return same_row(_row_one(fresh(), (1, position)), alone)

    last = 3
    for position in _positions(fresh(), profile):
        try:
            stays = keeps_row_one(position)
        except Exception:  # it accepts no position as large as this
            break
        if not stays:
            return last_accepted(last, position, keeps_row_one) + 1, position
        last = position
    return None, last


def _first_slower_offset(source: AngleSource) -> int | None:
    """The first offset from which an object turns more slowly; None: there is none.

    The frequencies change little by little: it is the first offset whose phase does not follow from
    those of the first positions any more.
    """
    near = _rows(source, range(SMALL + 1))
    frequencies = estimate_frequencies(near, SMALL)

    def follows(position: int) -> bool:
        angles = _rows(source, range(position, position + ROWS))[position] - near[0]  # (P,)
        error = wrap(angles - position * frequencies).abs().max()
        return bool(error < max(EXACT, FLOAT32_LOSS * position))

    for position in (at for at in POSITIONS if FIRST <= at <= LAST_FOR_FREQUENCIES):
        try:
            if slows_down(near | _rows(source, range(position, position + ROWS))):
                return last_accepted(SMALL, position, follows) + 1
        except Exception:  # it accepts no offset as large as this
            return None
    return None


def _rows(source: AngleSource, positions: range) -> Angles:
    return dict(zip(positions, source.rows(positions, positions.start).angles))


def _positions(source: AngleSource, profile: AngleProfile) -> list[int]:
    most = LAST_FOR_FREQUENCIES if profile.asking == "any" else source.range_to(MOST_ROWS).last
    last = most if profile.last is None else min(most, profile.last)
    return [position for position in POSITIONS if FIRST <= position <= last]


def _row_one(source: AngleSource, positions: Sequence[int]) -> Tensor:
    """The angles (P,) of position 1, asked for among others."""
    return source.ask(positions).angles[list(positions).index(1)]
