"""Frequencies of one that counts from an offset: do they follow the length of a sequence, and is that its length?"""

from rotcheck.identify.angles.measured_angles import (
    Angles,
    angles_at,
    estimate_frequencies,
    same_row,
    wrap,
)
from rotcheck.identify.calling.match import Match

CLEAR = 0.02  # radians a position: more than float32 costs the step from one row to the next
RIGHT = 1e-2  # radians
# the last position of a first look: frequencies that it tells are exact enough for all others
SMALL = 102
MOST = 4098  # rows that are handed over at once


def first_change(seen: Angles) -> int | None:
    """Return the first position whose angles belong to other frequencies, as dynamic NTK has them; None: all are alike.

    The fastest pair turns as before from row to row, others slower: nothing that is rounded or cut off does that.
    """
    if not slows_down(seen):
        return None
    frequencies = estimate_frequencies(seen, SMALL)
    zero = seen[0]
    off = {at: float(wrap(seen[at] - zero - at * frequencies).abs().max()) for at in sorted(seen)}
    return next((at for at, radians in off.items() if radians > RIGHT), None)


def slows_down(seen: Angles) -> bool:
    """Return whether far rows turn by slower frequencies than the first ones, and the fastest pair as before."""
    if 0 not in seen or 1 not in seen:
        return False
    few = wrap(seen[1] - seen[0]).abs()  # (P,)
    for at in (each for each in seen if each > SMALL and each + 1 in seen):
        step = wrap(seen[at + 1] - seen[at]).abs()
        if float((step - few)[0].abs()) < CLEAR and float((few - step).max()) > CLEAR > float(
            (step - few).max()
        ):
            return True
    return False


def follow_offset_alone(found: Match, seen: Angles, changed: int) -> str | None:
    """Return that frequencies which are others at an offset are the same for as many rows; None: they follow both."""
    if found.convention.positions != "offset" or changed + 3 > MOST:
        return None
    try:
        rows = angles_at(found, tuple(range(changed + 3)))
    except Exception:  # it takes fewer rows
        return None
    if not same_row(rows[1], seen[1]):
        return None
    return (
        f"its frequencies follow the offset and not the length: behind {changed} positions they are others than "
        f"with few rows, and in {changed + 3} rows they are not. It may take another axis for that of rows"
    )
