"""From what was found of a function to its answer: what is wrong with it, and what was not understood."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from rotcheck.check.plan import JUDGED, CheckRequest, judged_in
from rotcheck.implementations.source_lines import place
from rotcheck.results import (
    FINDINGS,
    INTERPRETER,
    Answer,
    Cell,
    Fault,
    Identification,
    Maker,
    Part,
    Reach,
    knowledge_of,
)

DECLARE = (
    "see that it can be imported here, and say how it is called with `rotcheck.declare`, or name a function of no "
    "argument that builds it"
)
ELSEWHERE = "ask for another `--dtype`, or on a device that runs this one"
UNREAD = "no call that was tried gave back a rotation or tables of one"
UNMEASURED = "how far its angles are right was not measured: its kernel runs under the Triton interpreter here"
ON_A_GPU = "ask on a machine with a GPU: `rotcheck check ... --device cuda`"
GRID = "turns the squares of a grid: judged as constructed, and in float32"
DONE = {
    "constructed": "as constructed",
    "half": "after `.half()`",
    "bfloat16": "after `.bfloat16()`",
    "to-bfloat16": "after `.to(torch.bfloat16)`",
    "autocast": "under autocast to bfloat16",
    "grown": "when it is called for more and more positions",
    "dtypes": "shown bfloat16",
}


def part_of(
    name: str,
    told: Identification,
    cells: Sequence[Cell],
    rows: Sequence[Reach],
    maker: Maker | None,
    asked: CheckRequest,
) -> Part:
    """Return the answer for one function: `cells` and `rows` are its own."""
    needed = maker.judged_to if maker and maker.kind else None
    faults = [
        *_of_identification(told),
        *_of_cells(cells, told),
        *_of_rows(rows, maker, told),
        *_unjudged(told, cells, rows),
    ]
    where = place(name)
    dtypes = JUDGED if _on_a_grid(told) else judged_in(asked.dtypes, told.device)
    return Part(
        name=asked.shown[name],
        answer=_answer(faults),
        file=where[0] if where else None,
        line=where[1] if where else None,
        kind=told.convention.kind if told.convention else None,
        needed=needed,
        right_to=_right_to(rows, needed),
        dtypes=() if dtypes == asked.dtypes else dtypes,
        faults=tuple(faults),
        notes=tuple(_notes(told, cells, rows)),
    )


def _answer(faults: Sequence[Fault]) -> Answer:
    answers = [each.answer for each in faults]
    return "wrong" if "wrong" in answers else "unknown" if answers else "right"


def _of_identification(told: Identification) -> Iterator[Fault]:
    """Yield the mistakes that `identify` sees, or that it understands nothing."""
    for one in told.findings:
        if one.mistake:
            yield Fault(
                answer="wrong", by="identify", rule=one.failure or one.code, message=one.message, seen=one.evidence,
                demonstration=one.demonstration, **knowledge_of(one),
            )  # fmt: skip
    if told.answer == "unknown":
        advice = "; ".join(told.advice) or DECLARE
        yield Fault(
            answer="unknown",
            by="identify",
            rule="unidentified",
            message=told.message or UNREAD,
            fix=advice,
        )


def _of_cells(cells: Sequence[Cell], told: Identification) -> Iterator[Fault]:
    """Yield what the checks of `compare` find beyond that, each failure once."""
    known = {one.failure for one in told.findings if one.mistake and one.failure}
    bad = [
        cell
        for cell in cells
        if cell.verdict in FINDINGS and not (cell.failure and cell.failure in known)
    ]
    for group in _groups(bad, lambda cell: (cell.verdict, cell.failure or cell.message)):
        worst = max(group, key=lambda cell: (cell.not_finite, cell.error or 0))
        yield Fault(
            answer="wrong", by="compare", rule=worst.failure or worst.check, message=worst.message or worst.verdict,
            seen=_where(group), **knowledge_of(worst),
        )  # fmt: skip


def _where(cells: Sequence[Cell]) -> str:
    dtypes = ", ".join(dict.fromkeys(cell.dtype for cell in cells))
    return f"{dtypes}: {', '.join(dict.fromkeys(cell.check for cell in cells))}"


def _of_rows(rows: Sequence[Reach], maker: Maker | None, told: Identification) -> Iterator[Fault]:
    """Yield what goes wrong on the way to the last position that must be right, and what was not asked that far.

    What `identify` says of it as it is constructed is not said again.
    """
    needed = maker.judged_to if maker and maker.kind else None
    known = [("constructed", one.message) for one in told.findings if one.mistake]
    bad = [
        row for row in rows if row.verdict in FINDINGS and (row.condition, row.message) not in known
    ]
    for group in _groups(bad, lambda row: (row.failure or row.message, row.verdict)):
        first = group[0]
        plain = (
            first.condition == "constructed"
        )  # what is wrong from the start is not told once more of all the rest
        done = ", ".join(
            DONE.get(row.condition, row.condition) for row in (group[:1] if plain else group)
        )
        yield Fault(
            answer=_answer_of(first, maker), by="context", rule=first.failure or first.finding or first.condition,
            message=f"{done}: {first.message}",
            **knowledge_of(first) | {"fix": _longer(first, maker) or first.fix},
        )  # fmt: skip
    short = [row for row in rows if row.verdict == "agrees" and row.asked_to is not None and needed]
    for row in [row for row in short if (row.asked_to or 0) + 1 < (needed or 0)][:1]:
        yield Fault(
            answer="unknown", by="context", rule="not-measured",
            message=f"{DONE.get(row.condition, row.condition)}: asked up to position {row.asked_to} and no further, "
            f"{needed} must be right: {row.stopped or 'its table has no more rows'}",
            fix="build it as long as it must be, or ask for less with --to",
        )  # fmt: skip


def _answer_of(row: Reach, maker: Maker | None) -> Answer:
    """Return the answer for a row that went wrong.

    A table that is too short is wrong if the file itself builds it so; else its user may build it for more positions.
    """
    return "unknown" if row.finding == "short" and not (maker and maker.by_file) else "wrong"


def _longer(row: Reach, maker: Maker | None) -> str | None:
    """Return what to do about a table that ends before the last position that must be right."""
    if row.finding != "short" or maker is None:
        return None
    if maker.by_file:
        return f"build it for at least {maker.judged_to} positions, or ask for less with --to"
    return f"name a function of no argument that builds it as you do, for {maker.judged_to} positions, or ask for less"


def _unjudged(
    told: Identification, cells: Sequence[Cell], rows: Sequence[Reach]
) -> Iterator[Fault]:
    """Yield why a function that is understood was not judged: then it is not right either."""
    convention = told.convention
    if told.answer == "unknown" or convention is None or _on_a_grid(told):
        return
    for by, judged, kinds in (
        ("context", rows, ("builds", "both")),
        ("compare", cells, ("applies", "both")),
    ):
        ran = [each for each in judged if each.verdict in ("agrees", *FINDINGS)]
        if convention.kind in kinds and not ran:
            if by == "context" and told.device == INTERPRETER:
                yield Fault(
                    answer="unknown", by=by, rule="not-measured", message=UNMEASURED, fix=ON_A_GPU
                )
                return
            why = next((each.message for each in judged if each.message), "it was not run")
            fix = ELSEWHERE if any(each.verdict == "skipped" for each in judged) else DECLARE
            yield Fault(
                answer="unknown",
                by=by,
                rule="not-measured",
                message=f"it was not judged: {why}",
                fix=fix,
            )
            return


def _on_a_grid(told: Identification) -> bool:
    """Return whether it turns the squares of a grid, which `identify` alone judges, and as constructed."""
    convention = told.convention
    return convention is not None and (
        convention.positions == "grid" or convention.schedule == "axial"
    )


def _right_to(rows: Sequence[Reach], needed: int | None) -> int | None:
    """Return how many positions, from 0, are right under every condition."""
    if needed is None or not any(row.phases for row in rows):
        return None
    reached = [needed]
    for row in rows:
        if row.verdict in FINDINGS and row.phases:
            reached.append(0 if row.right_to is None else row.right_to + 1)
        elif row.asked_to is not None and row.verdict == "agrees":
            reached.append(row.asked_to + 1)
    return min(reached)


def _notes(told: Identification, cells: Sequence[Cell], rows: Sequence[Reach]) -> list[str]:
    said = [one.message for one in told.findings if not one.mistake]
    said += [f"not tried: {name}" for name in told.untried]
    said += [GRID] if told.answer == "right" and _on_a_grid(told) else []
    said += [f"loaded {one.says}" for one in told.evidence if one.field == "loaded"]
    said += [cell.note for cell in cells if cell.note and cell.verdict == "agrees"]
    said += [
        f"{DONE.get(row.condition, row.condition)}: {row.note}"
        for row in rows
        if row.note and row.verdict == "agrees"
    ]
    return list(dict.fromkeys(said))


def _groups(found: Sequence[Any], key: Callable[[Any], Hashable]) -> list[list[Any]]:
    groups: dict[Hashable, list[Any]] = {}
    for each in found:
        groups.setdefault(key(each), []).append(each)
    return list(groups.values())
