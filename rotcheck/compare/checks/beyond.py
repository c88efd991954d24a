"""Are positions past the end of the tables refused?

Catches: clamped indices, masked loads that return such rows unrotated.
"""

from dataclasses import replace

from torch import Tensor

from rotcheck.convention.calls import Call
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.cell_evidence import Evidence, inapplicable
from rotcheck.measure.kernels import by_kernel
from rotcheck.measure.other_calls import at, case_with, indexes, refusal, takes_offset
from rotcheck.measure.rounding_steps import against, measure, norms
from rotcheck.measure.subject import Subject, Wrong

level = "quick"
order = 110
ROWS, LENGTH = 9, 7  # rows of a table, and rows that are asked for; neither of them any other size
CODE = "positions-past-table"


def run(subject: Subject, case: Case) -> Evidence:
    """Ask for rows that the tables do not have: it must raise, or know them all the same."""
    question = _call_beyond(case)
    if question is None:
        return inapplicable(
            "it computes the angles of any position: there is no table to go beyond"
        )
    if _looks_up(case) and subject.device.type != "cpu":
        message = "an index past the end fails an assertion on the device, which ends the process"
        return inapplicable(f"{message}: asked on cpu")
    there, call, when = question
    try:
        results = subject.call(call)
    except Wrong as wrong:
        return Evidence(finding=CODE, message=f"does not raise for {when}: it {wrong}")
    except Exception as error:
        refusal(subject, error)
        return Evidence()
    measurement = against(there, results, there.truth)
    if measurement.is_right:
        return Evidence(error=measurement.error, note=f"extends its table on demand: {when}")
    became = _what_became(there, results)
    if not subject.declares and by_kernel(subject.call, case.call()):
        return Evidence(
            note=f"does not check positions, like other kernels: given {when}, it {became}"
        )
    return measurement.evidence(CODE, f"does not raise for {when}, and {became}")


def _looks_up(case: Case) -> bool:
    """Whether it may index a table, its own or one handed in, by a position."""
    return indexes(case) or takes_offset(case) or not case.convention.takes_tables


def _call_beyond(case: Case) -> tuple[Case, Call, str] | None:
    """A case and its call for positions that the tables do not have, and these in words."""
    convention = case.convention
    if not convention.takes_tables:
        return _past_its_own(case) if convention.last_position is not None else None
    if indexes(case):
        positions = (0, 2, ROWS + 3, 1, 5, ROWS, 8)
        return *at(case, positions, ROWS), f"positions up to {ROWS + 3} of a table of {ROWS} rows"
    if takes_offset(case):
        start = ROWS - 4
        rows_text = f"{LENGTH} rows from row {start} on of a table of {ROWS} rows"
        return *at(case, tuple(range(start, start + LENGTH)), ROWS), rows_text
    there = case_with(case, Sizes(positions=tuple(range(ROWS))))
    short = case_with(case, Sizes(positions=tuple(range(LENGTH))))
    rows_text = f"{ROWS} rows with tables of {LENGTH} rows"
    return there, replace(there.call(), tables=short.tables()), rows_text


def _past_its_own(case: Case) -> tuple[Case, Call, str] | None:
    last = case.convention.last_position or 0
    if case.convention.positions == "from 0":
        return None  # it would take a tensor as long as the table
    positions = tuple(range(last - 2, last + LENGTH - 2))
    return *at(case, positions), f"positions up to {positions[-1]}, where its table ends at {last}"


def _what_became(case: Case, results: tuple[Tensor, ...]) -> str:
    """What it did with the rows past the end."""
    pairs = case.read(results)
    last = [slot[:, -1:] for slot in pairs], [slot[:, -1:] for slot in case.pairs]
    off = measure(*last, norms(last[1]), case.dtype)
    return "returns them unrotated" if off.is_right else "rotates them by other angles"
