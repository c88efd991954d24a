"""Frequencies of one that counts from an offset:
do they follow the length of a sequence, and is that its length?"""

from rotcheck.identify.angles.measured_angles import (
    Angles,
    angles_at,
    estimate_frequencies,
    same_row,
)
from rotcheck.identify.calling.call_match import Match
from rotcheck.measure.judge import RIGHT_PHASE
from rotcheck.rotary.frequencies import wrap

CLEAR = 0.02  # radians a position: more than float32 costs the step from one row to the next
# the last position of a first look: frequencies that it tells are exact enough for all others
SMALL = 102
MOST = 4098  # rows that are handed over at once


def first_change(angles: Angles) -> int | None:
    """The first position whose angles belong to other frequencies, as in dynamic NTK;
    None: all are alike.

    The fastest pair turns as before from row to row, others slower:
    nothing that is rounded or cut off does that.
    """
    if not slows_down(angles):
        return None
    frequencies = estimate_frequencies(angles, SMALL)
    zero = angles[0]
    off = {
        at: float(wrap(angles[at] - zero - at * frequencies).abs().max()) for at in sorted(angles)
    }
    return next((at for at, radians in off.items() if radians > RIGHT_PHASE), None)


def slows_down(angles: Angles) -> bool:
    """Whether far rows turn by slower frequencies than the first ones,
    and the fastest pair as before."""
    if 0 not in angles or 1 not in angles:
        return False
    few = wrap(angles[1] - angles[0]).abs()  # (P,)
    for at in (position for position in angles if position > SMALL and position + 1 in angles):
        step = wrap(angles[at + 1] - angles[at]).abs()
        if float((step - few)[0].abs()) < CLEAR and float((few - step).max()) > CLEAR > float(
            (step - few).max()
        ):
            return True
    return False


def follow_offset_alone(match: Match, angles: Angles, first_other: int) -> str | None:
    """Words, if frequencies that change with the offset do not change with as many rows;
    None: they follow both."""
    if match.convention.positions != "offset" or first_other + 3 > MOST:
        return None
    try:
        rows = angles_at(match, tuple(range(first_other + 3)))
    except Exception:  # whatever the function raises that takes fewer rows
        return None
    if not same_row(rows[1], angles[1]):
        return None
    return (
        f"its frequencies follow the offset and not the length: behind {first_other} positions they are others than "
        f"with few rows, and in {first_other + 3} rows they are not. It may take another axis for that of rows"
    )
