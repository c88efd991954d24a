"""Calls of other sizes and at other positions than the usual ones, and what their results are worth."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor

from rotcheck.convention import role_of
from rotcheck.measure.case import Case, Judged, Sizes
from rotcheck.measure.device import answers
from rotcheck.measure.evidence import Evidence
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.rounding_steps import against, is_rounding
from rotcheck.measure.subject import Subject
from rotcheck.rotary.calls import Call
from rotcheck.scrub import scrub

Positions = tuple[int, ...] | tuple[tuple[int, ...], ...]
"""The position of each row, or of each row of each batch."""

USUAL = Sizes()
LONG = 120  # characters of an exception that are shown


def another(case: Case, sizes: Sizes, **convention: Any) -> Case:
    """Return the case of other sizes, or of a convention that differs in these fields."""
    judged = SimpleNamespace(convention=replace(case.convention, **convention), device=case.device)
    return Case(cast(Judged, judged), case.dtype, sizes)


def roles(case: Case) -> set[str]:
    """Return what the arguments of a call are, the parts of joined ones apart."""
    joined = (role_of(argument).strip("()") for argument in case.convention.called_with)
    return {
        part.strip()
        for role in joined
        for part in role.replace("|", "+").replace("+", ",").split(",")
    }


def takes_offset(case: Case) -> bool:
    """Return whether a call says at which row of its tables, or at which position, the first row is."""
    return bool(roles(case) & {"offset", "offsets"})


def indexes(case: Case) -> bool:
    """Return whether a call says which row of the tables each position is."""
    return "positions" in roles(case) and case.convention.tables != "positions"


def differs_by_batch_row(case: Case) -> bool:
    """Return whether batch rows can have positions of their own."""
    taken, convention = roles(case), case.convention
    if "b" not in convention.axes or convention.positions == "from 0" or "cu_seqlens" in taken:
        return False
    if takes_offset(case) and "positions" not in taken:
        return "offsets" in taken
    by_call = indexes(case) or convention.tables == "positions"
    return "b" in (convention.position_axes if by_call else convention.table_axes)


def at(
    case: Case, positions: Positions, rows: int | None = None, sizes: Sizes = USUAL
) -> tuple[Case, Call]:
    """Return the case of these positions, and the call that asks for them in the way that the function takes.

    One that takes an offset or indices is handed tables of the positions 0 to `rows` - 1.
    """
    there = another(case, replace(sizes, positions=positions), positions="any", last_position=None)
    call = there.call()
    if indexes(case) or takes_offset(case):
        if rows is not None and case.convention.tables != "positions":
            tables = another(
                case, replace(sizes, positions=tuple(range(rows))), positions="any"
            ).tables()
            call = replace(call, tables=tables)
        if indexes(case):
            call = replace(
                call, positions=there.laid_positions(torch.tensor(positions, device="cpu"))
            )
        else:
            call = replace(call, offset=_offset(positions))
    return there, call


def _offset(positions: Positions) -> int | tuple[int, ...]:
    first = positions[0]
    return (
        first
        if isinstance(first, int)
        else tuple(row[0] for row in positions if isinstance(row, tuple))
    )


def held(case: Case, results: Sequence[Tensor], code: str, when: str) -> Evidence:
    """Hold results against the truth. A mistake that is known keeps its own code; `code` stands for any other."""
    found = against(case, results, case.truth)
    narrow = (
        against(case, results, case.truth, torch.float32).error
        if case.dtype == torch.float64
        else None
    )
    wrong, words = None, None
    if found.not_finite:
        wrong, words = "not-finite", f"returns {found.not_finite} NaN or infinite elements, {when}"
    elif not is_rounding(found.error, narrow):
        named, words = explain(case, results, unknown="gives wrong values")
        wrong = code if named == "rounding" else named
        words = f"{words}, {when}"
    return Evidence(
        error=found.error,
        error_float32=narrow,
        where=found.where,
        not_finite=found.not_finite,
        finding=wrong,
        message=words,
    )


def worst(answers: Sequence[Evidence]) -> Evidence:
    """Return the first that has a finding, else the one with the largest error."""
    wrong = [answer for answer in answers if answer.finding]
    return (
        wrong[0]
        if wrong
        else max(answers, key=lambda answer: answer.error or 0.0, default=Evidence())
    )


def refusal(subject: Subject, error: Exception) -> str:
    """Return what the subject raised, in words. Raises it again if it is not the subject's, or killed its device."""
    if subject.raised is not error:
        raise error
    if not answers(subject.device):
        raise error
    subject.raised = None
    return shortly(error)


def shortly(error: BaseException) -> str:
    """Return an exception's kind and the beginning of its first line, without what names this machine."""
    line = scrub(next((line for line in str(error).splitlines() if line.strip()), "").strip())
    return (
        f"{type(error).__name__}: {line if len(line) <= LONG else line[: LONG - 3] + '...'}".rstrip(
            ": "
        )
    )
