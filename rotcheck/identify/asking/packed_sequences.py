"""Several sequences in one tensor: do their positions begin anew where `cu_seqlens` says so?"""

import re
from dataclasses import replace

import torch

from rotcheck.convention import role_of
from rotcheck.identify.asking.function_under_test import FunctionUnderTest, try_values
from rotcheck.identify.asking.question import Answer, CallQuestion
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.calling.role_evidence import documentation
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.identify.remarks import remark
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT
from rotcheck.results import FieldEvidence, Remark

FIRST = 2  # rows of the first of two sequences
ROWS = 9  # of tables that have one for each position
POSITIONS = (0, 1, 0, 1, 2)
ROW_BY_ROW = "takes the tables row by row, whatever cu_seqlens says"
_POSITIONS = re.compile(
    r"max_?(seq_?len|length|pos)|for each position|longest|\bposition\)|\(positions?\b",
    re.IGNORECASE,
)


def _ask(match: Match) -> Answer:
    """Call it with two sequences, if it is told where they begin."""
    if "cu_seqlens" not in map(role_of, match.convention.arguments) or not match.exact:
        return Answer()
    rows = match.caller.probe.length
    evidence = f"cu_seqlens of [0, {FIRST}, {rows}] beside [0, {rows}]"
    single = match.caller.rotate_ones(match.convention)  # (1, S, H, D)
    double = match.caller.with_changes(starts=(0, FIRST)).rotate_ones(match.convention)
    if torch.allclose(double[:, FIRST:], single[:, :-FIRST], atol=TOLERANCE):
        message = "begin anew with each sequence"
        return Answer(evidence=(FieldEvidence(field="positions", says=message, because=evidence),))
    if not match.convention.takes_tables or not torch.allclose(double, single, atol=TOLERANCE):
        message = "gives the second of two sequences no positions of its own"
        return Answer((remark("sequences", message, evidence),))
    return Answer((_of_table_rows(match, evidence),))


def _of_table_rows(match: Match, evidence: str) -> Remark:
    """What is wrong with a function that takes its tables row by row."""
    anew = _begins_anew_in_longer_tables(match)
    if anew is False:
        message = f"{ROW_BY_ROW}: the second sequence does not begin anew"
        rows = f"{evidence}, in tables of {ROWS} rows"
        return remark("sequences", message, rows, aspect="row by row")
    message = f"{ROW_BY_ROW}: they must begin anew with each sequence"
    message += "; of larger ones it takes a row for each position" if anew else ""
    return remark("sequences", message, evidence, mistake=False)


def _begins_anew_in_longer_tables(match: Match) -> bool | None:
    """Whether positions begin anew in tables of more rows than tokens; None: it refuses them."""
    convention = replace(match.convention, positions="any")
    function = FunctionUnderTest(match.caller.function, convention, match.caller.device)
    width = match.caller.probe.width
    longer = Case(function, torch.float32, Sizes(1, 2, 2, width, tuple(range(ROWS))))
    sizes = Sizes(1, 2, 2, width, POSITIONS)
    trial = try_values(function, sizes, tables=longer.tables(), starts=(0, FIRST))
    return None if trial is None else trial.measurement.error <= ROUNDING_LIMIT


def rows_are_positions(match: Match) -> bool:
    """Whether something says that tables have a row for each position, not for each token."""
    if not match.convention.takes_tables:
        return True
    function = match.caller.function
    names = [parameter.name for parameter in parameters(function) or ()]
    return any(map(_POSITIONS.search, (documentation(function), *names)))


QUESTION = CallQuestion(rank=10, ask=_ask)
