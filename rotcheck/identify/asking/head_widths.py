"""Heads whose width is no power of two: does a kernel that is right in others turn them right?"""

from dataclasses import replace

from rotcheck.identify.asking.function_under_test import FunctionUnderTest, try_values
from rotcheck.identify.asking.question import ValueQuestion
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.remarks import remark
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.case import Sizes
from rotcheck.results import Remark

EVEN, ODD = (16, 32), (24, 48)  # powers of two, and widths that a kernel rounds up to one
FIRST_POSITIONS = (0, 1, 2, 3)


def _ask(function: FunctionUnderTest, sizes: Sizes, match: Match) -> list[Remark]:
    """Call a kernel that takes such heads, and tables for all of their lanes."""
    convention = function.convention
    if (
        not interprets()
        or not convention.takes_tables
        or convention.rotary_dim
        or "sections" in convention.arguments
    ):
        return []
    of_any_width = replace(function, convention=replace(convention, head_dim=None))
    if any(_fault(of_any_width, width) != "" for width in EVEN):
        return []
    faults = [_fault(of_any_width, width) for width in ODD]
    if not all(faults):
        return []
    evidence = f"random values in heads of {EVEN[0]}, {EVEN[1]}, {ODD[0]} and {ODD[1]} lanes"
    message = f"in heads of {ODD[0]} lanes, and of others that are not a power of two: {faults[0]}"
    return [remark("head-width", message, evidence)]


def _fault(function: FunctionUnderTest, width: int) -> str | None:
    """What is wrong in heads of this width; empty: nothing; None: it does not take them."""
    trial = try_values(function, Sizes(2, 2, 2, width, FIRST_POSITIONS))
    if trial is None:
        return None
    return "" if trial.measurement.is_right else trial.explain()[1]


QUESTION = ValueQuestion(round=4, rank=2, ask=_ask)
