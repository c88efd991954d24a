"""Calls with other sizes and positions than the usual ones,
and the evidence that their results give."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from torch import Tensor

from rotcheck.convention import role_of
from rotcheck.convention.calls import Call
from rotcheck.measure.case import Case, CaseSubject, Sizes
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.device import answers
from rotcheck.measure.hypotheses import fault
from rotcheck.measure.rounding_steps import against
from rotcheck.measure.subject import Subject
from rotcheck.scrub import scrub

Positions = tuple[int, ...] | tuple[tuple[int, ...], ...]
"""The position of each row, or of each row of each batch."""

USUAL = Sizes()
LONG = 120  # characters of an exception that are shown


def case_with(case: Case, sizes: Sizes, **convention: Any) -> Case:
    """The case with other sizes, or with a convention that differs in these fields."""
    changed = replace(case.convention, **convention)
    implementation = SimpleNamespace(convention=changed, device=case.device)
    return Case(cast(CaseSubject, implementation), case.dtype, sizes)


def roles(case: Case) -> set[str]:
    """The roles of a call's arguments, with joined ones taken apart."""
    role_texts = (role_of(argument).strip("()") for argument in case.convention.called_with)
    return {
        part.strip()
        for role in role_texts
        for part in role.replace("|", "+").replace("+", ",").split(",")
    }


def takes_offset(case: Case) -> bool:
    """Whether a call is told the table row, or the position, of its first row."""
    return bool(roles(case) & {"offset", "offsets"})


def indexes(case: Case) -> bool:
    """Whether a call is told the table row of each position."""
    return "positions" in roles(case) and case.convention.takes_tables


def differs_by_batch_row(case: Case) -> bool:
    """Whether batch rows can have positions of their own."""
    given_roles, convention = roles(case), case.convention
    if (
        "b" not in convention.axes
        or convention.positions == "from 0"
        or "cu_seqlens" in given_roles
    ):
        return False
    if takes_offset(case) and "positions" not in given_roles:
        return "offsets" in given_roles
    by_call = indexes(case) or not convention.takes_tables
    return "b" in (convention.position_axes if by_call else convention.table_axes)


def at(
    case: Case, positions: Positions, rows: int | None = None, sizes: Sizes = USUAL
) -> tuple[Case, Call]:
    """The case of these positions, and a call for them in the form that the function takes.

    A function that takes an offset or indices gets tables of the positions 0 to `rows` - 1.
    """
    sizes = replace(sizes, positions=positions)
    there = case_with(case, sizes, positions="any", last_position=None)
    call = there.call()
    if indexes(case) or takes_offset(case):
        if rows is not None and case.convention.takes_tables:
            from_0 = replace(sizes, positions=tuple(range(rows)))
            call = replace(call, tables=case_with(case, from_0, positions="any").tables())
        if indexes(case):
            call = replace(call, positions=there.laid_positions(there.position_rows))
        else:
            call = replace(call, offset=_offset(positions))
    return there, call


def _offset(positions: Positions) -> int | tuple[int, ...]:
    first = positions[0]
    if isinstance(first, int):
        return first
    return tuple(row[0] for row in positions if isinstance(row, tuple))


def judge_results(case: Case, results: Sequence[Tensor], code: str, when: str) -> Evidence:
    """Compare results with the truth.

    A known mistake keeps its own code; `code` is that of any other.
    """
    measurement = against(case, results, case.truth, or_float32=True)
    mistake = fault(case, results, measurement, otherwise="gives wrong values")
    if mistake is None:
        return measurement.evidence()
    finding, words = mistake
    return measurement.evidence(code if finding == "rounding" else finding, f"{words}, {when}")


def worst(answers: Sequence[Evidence]) -> Evidence:
    """The first evidence with a finding, else the one with the largest error."""
    wrong = next((answer for answer in answers if answer.finding), None)
    return wrong or max(answers, key=lambda answer: answer.error or 0.0, default=Evidence())


def refusal(subject: Subject, error: Exception) -> str:
    """What the subject raised, in words.

    Raises the error again if it is not the subject's or killed the device.
    """
    if subject.raised is not error or not answers(subject.device):
        raise error
    subject.raised = None
    return shortly(error)


def shortly(error: BaseException) -> str:
    """An exception's class and the beginning of its first line, scrubbed."""
    line = scrub(next((line for line in str(error).splitlines() if line.strip()), "").strip())
    text = line if len(line) <= LONG else f"{line[: LONG - 3]}..."
    return f"{type(error).__name__}: {text}".rstrip(": ")
