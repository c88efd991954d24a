"""A single row, as when a model decodes: is it turned by its own angle?"""

from dataclasses import replace
from typing import Any

from rotcheck.convention import Convention
from rotcheck.identify.asking.batch_rows import has_room, with_angles_of
from rotcheck.identify.asking.function_under_test import FunctionUnderTest, try_values
from rotcheck.identify.asking.question import ValueQuestion
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.reading.convention_words import call_words
from rotcheck.identify.remarks import remark
from rotcheck.measure.case import Sizes
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
    offset: dict[str, Any] = {"offset": POSITION} if convention.positions == "offset" else {}
    anywhere = replace(function, convention=with_any_position(convention))
    trial = try_values(anywhere, row, **offset)
    if trial is None or trial.measurement.is_right:
        return []
    for call in match.conventions[1:]:
        same_rows = call.layout == convention.layout and has_room(call) == has_room(convention)
        if call.takes_tables and same_rows:
            other = replace(function, convention=with_angles_of(convention, call))
            with_other_tables = try_values(other, row, **offset)
            if with_other_tables is not None and with_other_tables.measurement.is_right:
                return []  # it is these tables that it does not take one row of
    _, message = trial.explain()
    place = f"positions {POSITION}, {POSITION + 1}, ..." if apart else f"position {POSITION}"
    batch_rows = f"{trial.case.batch} batch rows in {call_words(convention)}"
    evidence = f"random values in one row at {place} of {batch_rows}"
    return [remark("one-row", f"with a single row, as in decoding: {message}", evidence)]


def with_any_position(convention: Convention) -> Convention:
    """A call whose single row lies where it is told to, where an offset tells that."""
    return replace(convention, positions="any") if convention.positions == "offset" else convention


QUESTION = ValueQuestion(round=4, rank=1, ask=_ask)
