"""Several sequences in one tensor: do their positions begin anew where `cu_seqlens` says so?"""

import re
from dataclasses import replace

import torch

from rotcheck.convention import role_of
from rotcheck.identify.asking import judged_function
from rotcheck.identify.calling.match import Match
from rotcheck.identify.calling.role_evidence import documentation
from rotcheck.identify.calling.templates import parameters
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.identify.remarks import remark
from rotcheck.measure import rounding_steps
from rotcheck.measure.case import Case, Sizes
from rotcheck.results import Remark, Told

FIRST = 2  # rows of the first of two sequences
ROWS = 9  # of tables that have one for each position
POSITIONS = (0, 1, 0, 1, 2)
ROW_BY_ROW = "takes the tables row by row, whatever cu_seqlens says"
_POSITIONS = re.compile(
    r"max_?(seq_?len|length|pos)|for each position|longest|\bposition\)|\(positions?\b",
    re.IGNORECASE,
)


def of_starts(found: Match) -> tuple[list[Told], list[Remark]]:
    """Return what a call with two sequences tells, of a function that is told where they begin."""
    if "cu_seqlens" not in map(role_of, found.convention.arguments) or not found.exact:
        return [], []
    rows = found.caller.probe.length
    seen = f"cu_seqlens of [0, {FIRST}, {rows}] beside [0, {rows}]"
    one = found.caller.rotate_ones(found.convention)  # (1, S, H, D)
    two = found.caller.with_changes(starts=(0, FIRST)).rotate_ones(found.convention)  # (1, S, H, D)
    if torch.allclose(two[:, FIRST:], one[:, :-FIRST], atol=TOLERANCE):
        return [Told(field="positions", says="begin anew with each sequence", because=seen)], []
    words = "gives the second of two sequences no positions of its own"
    if found.convention.tables == "positions" or not torch.allclose(two, one, atol=TOLERANCE):
        return [], [remark("sequences", words, seen)]
    anew = _anew(found)
    if anew is False:
        words = f"{ROW_BY_ROW}: the second sequence does not begin anew"
        return [], [remark("sequences", words, f"{seen}, in tables of {ROWS} rows")]
    words = f"{ROW_BY_ROW}: they must begin anew with each sequence"
    words += "; of larger ones it takes a row for each position" if anew else ""
    return [], [remark("sequences", words, seen, mistake=False)]


def _anew(found: Match) -> bool | None:
    """Return whether positions begin anew in tables of more rows than there are tokens; None: these are refused."""
    own = replace(found.convention, positions="any")
    asked = judged_function.Function(found.caller.function, own, found.caller.device)
    width = found.caller.probe.width
    case = Case(asked, torch.float32, Sizes(1, 2, 2, width, POSITIONS))
    larger = Case(asked, torch.float32, Sizes(1, 2, 2, width, tuple(range(ROWS))))
    call = replace(case.call(), tables=larger.tables(), starts=(0, FIRST))
    try:
        return bool(
            rounding_steps.against(case, asked(call), case.truth).error
            <= rounding_steps.ROUNDING_LIMIT
        )
    except Exception:  # it takes a row for each token alone
        return None


def rows_are_positions(found: Match) -> bool:
    """Return whether something says that the tables have a row for each position, and not for each token."""
    if found.convention.tables == "positions":
        return True
    function = found.caller.function
    names = [one.name for one in parameters(function) or ()]
    return any(map(_POSITIONS.search, (documentation(function), *names)))
