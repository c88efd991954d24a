"""A single row, as when a model decodes: is it turned by its own angle?"""

from dataclasses import replace

import torch

from rotcheck.convention import Convention
from rotcheck.identify.asking.batch_rows import has_room
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.asking.question import ValueQuestion
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.reading.convention_words import call_words
from rotcheck.identify.remarks import remark
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, against
from rotcheck.results import Remark

POSITION = 7  # of the row
BATCH, HEADS = 3, 2


def _ask(function: FunctionUnderTest, sizes: Sizes, match: Match) -> list[Remark]:
    """Call it with one row of a batch, each at a place of its own where there is room for that."""
    convention = function.convention
    if not convention.takes_tables and convention.positions == "from 0":
        return []  # it turns by nothing
    apart = has_room(convention) and convention.positions not in ("from 0", "offset")
    at = tuple((POSITION + row,) for row in range(BATCH)) if apart else (POSITION,)
    row = replace(sizes, batch=BATCH, heads=HEADS, kv_heads=HEADS, positions=at)
    try:
        case = Case(replace(function, convention=with_any_position(convention)), torch.float32, row)
        call = case.call()
        if convention.positions == "offset":
            call = replace(call, offset=POSITION)
        outputs = function(call)
        error = against(case, outputs, case.truth)
    except Exception:  # it takes no single row; a function may raise anything
        return []
    if error.error <= ROUNDING_LIMIT and not error.not_finite:
        return []
    _, words = explain(case, outputs)
    place = f"positions {POSITION}, {POSITION + 1}, ..." if apart else f"position {POSITION}"
    evidence = f"random values in one row at {place} of {case.batch} batch rows in {call_words(convention)}"
    return [remark("one-row", f"with a single row, as in decoding: {words}", evidence)]


def with_any_position(convention: Convention) -> Convention:
    """A call whose single row lies where it is told to, where an offset tells that."""
    return replace(convention, positions="any") if convention.positions == "offset" else convention


QUESTION = ValueQuestion(round=4, rank=1, ask=_ask)
