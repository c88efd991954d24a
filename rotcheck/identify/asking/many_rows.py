"""More rows than the probe has: is each of them turned by its own angle?"""

from dataclasses import replace

import torch
from torch import Tensor

from rotcheck.convention import shape
from rotcheck.identify.asking import layout_contradiction
from rotcheck.identify.asking.batch_rows import with_angles_of
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.asking.question import ValueQuestion
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.reading.convention_words import call_words
from rotcheck.identify.reading.locations import span
from rotcheck.identify.remarks import remark
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, against
from rotcheck.results import Remark
from rotcheck.rotary import rotate

MOST_ALTERNATIVES = 3
ROWS = 300
INTERPRETED_ROWS = 40  # a call takes a second there, and more with its rows
HEADS = 2
SAME_VALUE = 1e-3


def _ask(function: FunctionUnderTest, sizes: Sizes, match: Match) -> list[Remark]:
    """Call it with some hundred rows, and in further calls that fit: any may be the one meant.

    In those, a mistake is only that later rows turn as another row.
    """
    few_heads = replace(sizes, heads=HEADS, kv_heads=HEADS)
    remarks = _faults(function, few_heads)
    if remarks or interprets():
        return remarks
    alternatives = layout_contradiction.alternatives(match, function.function)
    for alternative in alternatives[:MOST_ALTERNATIVES]:
        convention = with_angles_of(function.convention, alternative)
        remarks = _faults(
            replace(function, convention=convention), few_heads, past_table_alone=True
        )
        if remarks:
            return remarks
    return []


def _faults(
    function: FunctionUnderTest, sizes: Sizes, *, past_table_alone: bool = False
) -> list[Remark]:
    """What is wrong with many rows; `past_table_alone`: nothing but rows that turn as another."""
    convention = function.convention
    last = ROWS if convention.last_position is None else convention.last_position + 1
    rows = min(INTERPRETED_ROWS if interprets() else ROWS, last)
    try:
        case = Case(function, torch.float32, replace(sizes, positions=tuple(range(rows))))
        outputs = function(case.call())
        error = against(case, outputs, case.truth)
    except Exception:  # it takes fewer rows; a function may raise anything
        return []
    if error.error <= ROUNDING_LIMIT and not error.not_finite:
        return []
    evidence = (
        f"random values at rows 0 to {rows - 1} in {call_words(convention)} with "
        f"{shape(convention.axes)}: error {error.error:.0f} rounding steps of float32"
    )
    words = _repeated_rows(case, outputs)
    if words:
        return [remark("row-past-table", words, evidence)]
    if past_table_alone:
        return []
    code, words = explain(case, outputs)
    return [remark(code, f"in {rows} rows: {words}", evidence)]


def _repeated_rows(case: Case, outputs: tuple[Tensor, ...]) -> str:
    """Which rows turn by the angle of another, in words; empty: that is not what is wrong."""
    output, x, truth = case.read(outputs)[0], case.pairs[0], case.truth[0]  # (B, S, H, P, 2)
    wrong = (
        ((output - truth).abs() > SAME_VALUE).flatten(2).any(-1).any(0).nonzero().flatten().tolist()
    )
    angles = case.angles[..., : case.rotary_dim // 2]
    if not wrong or angles.dim() != 2:
        return ""
    pairs = angles.shape[-1]
    sources = [
        _source_row(output[0, row, 0, :pairs], x[0, row, 0, :pairs], angles) for row in wrong
    ]
    if None in sources:
        return ""
    to_the_end = wrong == list(range(wrong[0], case.length))
    rows = f"rows from {wrong[0]} on" if to_the_end else f"rows {span(wrong)}"
    if len(set(sources)) == 1:
        return f"{rows} turn as row {sources[0]}"
    return f"{rows} turn as rows {span([row for row in sources if row is not None])}"


def _source_row(output: Tensor, x: Tensor, angles: Tensor) -> int | None:
    """The row by whose angles (S, P) pairs (P, 2) turn; None: that of no row."""
    rotations = rotate(x.expand(len(angles), 1, *x.shape).unsqueeze(0), angles)[0, :, 0]
    fits = (
        ((rotations - output).abs().flatten(1).amax(1) < SAME_VALUE).nonzero().flatten()
    )  # (S, P, 2)
    return int(fits[0]) if len(fits) else None


QUESTION = ValueQuestion(round=2, rank=1, ask=_ask)
