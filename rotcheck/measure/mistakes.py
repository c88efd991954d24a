"""The known mistakes of the field: what each of them would make of the pairs that went in, in float64."""

from collections.abc import Iterator
from functools import partial

from rotcheck.measure import section_mistakes
from rotcheck.measure.case import Case
from rotcheck.measure.lane_count_mistakes import LANE_COUNT_MISTAKES
from rotcheck.measure.pair_mistakes import PAIR_MISTAKES, swap_tables
from rotcheck.measure.position_mistakes import of_positions
from rotcheck.measure.prediction import Prediction, of_q_and_k, with_turn
from rotcheck.rotary import rotate


def predictions(case: Case) -> Iterator[Prediction]:
    """What each known mistake would give, the commonest first."""
    for code, words, turn in PAIR_MISTAKES:
        yield code, words, with_turn(case, turn)
    for code, words, change in LANE_COUNT_MISTAKES:
        yield code, words, of_q_and_k(case, partial(change, case))
    if len(case.pairs) == 3:
        yield from _of_v(case)
    if not case.convention.takes_tables:
        yield from of_positions(case)
    if "g" in case.convention.table_axes:
        yield from section_mistakes.predictions(case)


def _of_v(case: Case) -> Iterator[Prediction]:
    q, k, v = case.truth
    for words, angles in (
        ("rotates V as well as q and k", case.angles),
        ("rotates V twice", 2 * case.angles),
    ):
        yield "v-rotated", words, (q, k, rotate(v, angles))
    slot_angles = (case.angles, case.angles, 0 * case.angles)  # v is swapped too, at angle 0
    yield (
        "tables-swapped",
        "is handed cos for sin and sin for cos",
        tuple(map(swap_tables, case.pairs, slot_angles)),
    )
