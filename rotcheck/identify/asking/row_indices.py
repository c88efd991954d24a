"""Positions that say which rows of the tables to take: does the function look there?"""

import torch

from rotcheck.convention import role_of
from rotcheck.identify.asking import judged_function
from rotcheck.identify.calling.templates import parameters
from rotcheck.identify.remarks import remark
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.other_calls import at, case_with, indexes
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, against
from rotcheck.results import Remark

UNSORTED = (11, 5, 5, 0, 9, 3, 1)
ROWS = 12  # of the tables
SEEN = f"positions {', '.join(map(str, UNSORTED))} in tables of {ROWS} rows"


def of_positions(asked: judged_function.Function, sizes: Sizes) -> list[Remark]:
    """Return what is wrong with the rows that a function takes from its tables; none where it is told no rows."""
    case = Case(asked, torch.float32, sizes)
    if not indexes(case):
        return []
    there, call = at(case, UNSORTED, ROWS, sizes)
    try:
        results = asked(call)
    except Exception:  # it takes a table of as many rows as there are positions
        return []
    if against(there, results, there.truth).error <= ROUNDING_LIMIT:
        return []
    plain = case_with(
        case, Sizes(sizes.batch, width=sizes.width, positions=tuple(range(len(UNSORTED))))
    )
    if against(plain, results, plain.truth).error <= ROUNDING_LIMIT:
        name = _name(asked)
        return [
            remark(
                "positions-ignored",
                f"{name} changes nothing: row i takes row i of the tables",
                SEEN,
            )
        ]
    return [remark(*explain(there, results), SEEN)]


def _name(asked: judged_function.Function) -> str:
    """Return what the function calls its positions."""
    arguments, known = asked.convention.called_with, parameters(asked.function) or []
    at = next(at for at, argument in enumerate(arguments) if role_of(argument) == "positions")
    return arguments[at].rpartition("=")[0] or (known[at].name if at < len(known) else "positions")
