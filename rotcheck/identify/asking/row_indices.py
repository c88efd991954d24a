"""Positions that say which rows of the tables to take: does the function look there?"""

import torch

from rotcheck.convention import role_of
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.asking.question import ValueQuestion
from rotcheck.identify.call_outcome import result_or_none
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.remarks import remark
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.other_calls import at, case_with, indexes
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, against
from rotcheck.results import Remark

POSITIONS = (11, 5, 5, 0, 9, 3, 1)
ROWS = 12  # of the tables
EVIDENCE = f"positions {', '.join(map(str, POSITIONS))} in tables of {ROWS} rows"


def _ask(function: FunctionUnderTest, sizes: Sizes, match: Match) -> list[Remark]:
    """Hand over tables of more rows than there are positions, if it is told which rows."""
    case = Case(function, torch.float32, sizes)
    if not indexes(case):
        return []
    indexing, call = at(case, POSITIONS, ROWS, sizes)
    outputs = result_or_none(lambda: function(call))
    if outputs is None or against(indexing, outputs, indexing.truth).error <= ROUNDING_LIMIT:
        return []
    in_order = Sizes(sizes.batch, width=sizes.width, positions=tuple(range(len(POSITIONS))))
    counting = case_with(case, in_order)
    if against(counting, outputs, counting.truth).error <= ROUNDING_LIMIT:
        message = f"{_name(function)} changes nothing: row i takes row i of the tables"
        return [remark("positions-ignored", message, EVIDENCE)]
    return [remark(*explain(indexing, outputs), EVIDENCE)]


def _name(function: FunctionUnderTest) -> str:
    """What the function calls its positions."""
    arguments, names = function.convention.called_with, parameters(function.function) or []
    at = next(at for at, argument in enumerate(arguments) if role_of(argument) == "positions")
    keyword = arguments[at].rpartition("=")[0]
    return keyword or (names[at].name if at < len(names) else "positions")


QUESTION = ValueQuestion(round=1, rank=1, ask=_ask)
