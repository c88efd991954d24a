"""The known mistakes of the field: what each of them would make of the pairs that went in,
in float64."""

from collections.abc import Iterator
from functools import partial

from rotcheck.measure import section_mistakes
from rotcheck.measure.case import Case
from rotcheck.measure.lane_count_mistakes import of_lane_counts
from rotcheck.measure.pair_changes import swap_tables
from rotcheck.measure.pair_mistakes import of_pairs
from rotcheck.measure.position_mistakes import of_positions
from rotcheck.measure.prediction import Prediction, by_pairs
from rotcheck.rotary import rotate


def predictions(case: Case) -> Iterator[Prediction]:
    """What each known mistake would give, the commonest first."""
    yield from of_pairs(case)
    yield from of_lane_counts(case)
    if len(case.pairs) == 3:
        yield from _of_v(case)
    if not case.convention.takes_tables:
        yield from of_positions(case)
    if "g" in case.convention.table_axes:
        yield from section_mistakes.predictions(case)


def _of_v(case: Case) -> Iterator[Prediction]:
    q, k, v = case.truth
    yield "v-rotated", "rotates V as well as q and k", (q, k, rotate(v, case.angles))
    yield "v-rotated", "rotates V twice", (q, k, rotate(v, 2 * case.angles))
    slot_angles = (case.angles, case.angles, 0 * case.angles)  # v is swapped too, at angle 0
    swapped = tuple(map(partial(by_pairs, swap_tables), case.pairs, slot_angles))
    yield "tables-swapped", "is handed cos for sin and sin for cos", swapped
