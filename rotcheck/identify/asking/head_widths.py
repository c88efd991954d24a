"""Heads whose width is no power of two: does a kernel that is right in the others turn these rightly?"""

from dataclasses import replace

import torch

from rotcheck.identify.asking import judged_function
from rotcheck.identify.remarks import remark
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, against
from rotcheck.results import Remark

EVEN, ODD = (16, 32), (24, 48)  # powers of two, and widths that a kernel rounds up to one
ROWS = (0, 1, 2, 3)


def of_no_power_of_two(asked: judged_function.Function) -> list[Remark]:
    """Return what is wrong with heads of such widths, of a kernel that takes them and tables for all of their lanes."""
    known = asked.convention
    if (
        not interprets()
        or known.tables == "positions"
        or known.rotary_dim
        or "sections" in known.arguments
    ):
        return []
    free = replace(asked, convention=replace(known, head_dim=None))
    if any(_wrong(free, width) != "" for width in EVEN):
        return []
    wrong = [_wrong(free, width) for width in ODD]
    if not all(wrong):
        return []
    seen = f"random values in heads of {EVEN[0]}, {EVEN[1]}, {ODD[0]} and {ODD[1]} lanes"
    words = f"in heads of {ODD[0]} lanes, and of others that are no power of two: {wrong[0]}"
    return [remark("head-width", words, seen)]


def _wrong(asked: judged_function.Function, width: int) -> str | None:
    """Return what is wrong in heads of this width, in words; empty: nothing; None: it does not take them."""
    try:
        case = Case(asked, torch.float32, Sizes(2, 2, 2, width, ROWS))
        found = asked(case.call())
        off = against(case, found, case.truth)
    except Exception:  # it takes powers of two alone
        return None
    return "" if off.error <= ROUNDING_LIMIT and not off.not_finite else explain(case, found)[1]
