"""More rows than the probe has: is each of them turned by its own angle?"""

from dataclasses import replace

from torch import Tensor

from rotcheck.convention import shape
from rotcheck.identify.asking import layout_contradiction
from rotcheck.identify.asking.batch_rows import with_angles_of
from rotcheck.identify.asking.function_under_test import FunctionUnderTest, ValueTrial, try_values
from rotcheck.identify.asking.question import ValueQuestion
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.reading.convention_words import call_words
from rotcheck.identify.reading.locations import span
from rotcheck.identify.remarks import remark
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.case import Sizes
from rotcheck.results import Remark
from rotcheck.rotary import rotate

PAST_TABLE = "row-past-table"
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
    usual = _fault(function, few_heads)
    if usual or interprets():
        return [usual] if usual else []
    alternatives = layout_contradiction.alternatives(match, function.function)
    for alternative in alternatives[:MOST_ALTERNATIVES]:
        convention = with_angles_of(function.convention, alternative)
        finding = _fault(replace(function, convention=convention), few_heads)
        if finding and finding.code == PAST_TABLE:
            return [finding]
    return []


def _fault(function: FunctionUnderTest, sizes: Sizes) -> Remark | None:
    """What is wrong with many rows; None: nothing, or they are refused."""
    convention = function.convention
    last = ROWS if convention.last_position is None else convention.last_position + 1
    rows = min(INTERPRETED_ROWS if interprets() else ROWS, last)
    trial = try_values(function, replace(sizes, positions=tuple(range(rows))))
    if trial is None or trial.measurement.is_right:
        return None
    evidence = (
        f"random values at rows 0 to {rows - 1} in {call_words(convention)} with "
        f"{shape(convention.axes)}: error {trial.measurement.error:.0f} rounding steps of float32"
    )
    past_table = _repeated_rows(trial)
    if past_table:
        return remark(PAST_TABLE, past_table, evidence)
    code, message = trial.explain()
    return remark(code, f"in {rows} rows: {message}", evidence)


def _repeated_rows(trial: ValueTrial) -> str:
    """Which rows turn by the angle of another, in words; empty: that is not what is wrong."""
    case = trial.case
    output, x, truth = case.read(trial.outputs)[0], case.pairs[0], case.truth[0]  # (B, S, H, P, 2)
    is_off = ((output - truth).abs() > SAME_VALUE).flatten(2).any(-1).any(0)  # (S,)
    wrong = is_off.nonzero().flatten().tolist()
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
