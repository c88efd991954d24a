"""The answer for a function: what is wrong with it, and what was not understood."""

from collections.abc import Iterator, Sequence

from rotcheck.check.plan import FALLBACK_DTYPES, CheckRequest, judged_in
from rotcheck.grouping import group_by
from rotcheck.implementations.function_place import place
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
ELSEWHERE = "use another `--dtype`, or a device that runs this one"
NOT_MEASURED = "not-measured"
UNREAD = "no call that was tried returned a rotation or tables of one"
NO_MEASUREMENT = "how far its angles are right was not measured: its kernel runs under the Triton interpreter here"
ON_A_GPU = "run it on a machine with a GPU: `rotcheck check ... --device cuda`"
GRID = "turns the squares of a grid: judged as constructed, and in float32"
CONDITION_WORDS = {
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
    identification: Identification,
    cells: Sequence[Cell],
    rows: Sequence[Reach],
    maker: Maker | None,
    request: CheckRequest,
) -> Part:
    """The answer for one function, from the cells and rows of that function."""
    length = maker.judged_to if maker and maker.kind else None
    faults = [
        *_of_identification(identification),
        *_of_cells(cells, identification),
        *_of_rows(rows, maker, identification),
        *_why_not_judged(identification, cells, rows),
    ]
    file, line = place(name) or (None, None)
    dtypes = judged_in(request.dtypes, identification.device)
    dtypes = FALLBACK_DTYPES if _on_a_grid(identification) else dtypes
    return Part(
        name=request.labels[name],
        answer=_answer(faults),
        file=file,
        line=line,
        kind=identification.convention.kind if identification.convention else None,
        needed=length,
        right_to=_right_to(rows, length),
        dtypes=() if dtypes == request.dtypes else dtypes,
        faults=tuple(faults),
        notes=tuple(_notes(identification, cells, rows)),
    )


def _answer(faults: Sequence[Fault]) -> Answer:
    answers = [fault.answer for fault in faults]
    return "wrong" if "wrong" in answers else "unknown" if answers else "right"


def _of_identification(identification: Identification) -> Iterator[Fault]:
    """Yield the mistakes that `identify` sees, or that it understands nothing."""
    for remark in identification.findings:
        if remark.mistake:
            yield Fault(
                answer="wrong", by="identify", rule=remark.failure or remark.code,
                message=remark.message, seen=remark.evidence,
                demonstration=remark.demonstration, **knowledge_of(remark),
            )  # fmt: skip
    if identification.answer == "unknown":
        advice = "; ".join(identification.advice) or DECLARE
        yield _unknown("identify", "unidentified", identification.message or UNREAD, advice)


def _unknown(by: str, rule: str, message: str, fix: str) -> Fault:
    return Fault(answer="unknown", by=by, rule=rule, message=message, fix=fix)


def _of_cells(cells: Sequence[Cell], identification: Identification) -> Iterator[Fault]:
    """Yield what the checks of `compare` find beyond that, each failure once."""
    told_by_identify = {
        remark.failure for remark in identification.findings if remark.mistake and remark.failure
    }
    bad = [
        cell
        for cell in cells
        if cell.verdict in FINDINGS and not (cell.failure and cell.failure in told_by_identify)
    ]
    groups = group_by(bad, lambda cell: (cell.verdict, cell.failure or cell.message))
    for group in groups.values():
        worst = max(group, key=lambda cell: (cell.not_finite, cell.error or 0))
        yield Fault(
            answer="wrong", by="compare", rule=worst.failure or worst.check, message=worst.message or worst.verdict,
            seen=_where(group), **knowledge_of(worst),
        )  # fmt: skip


def _where(cells: Sequence[Cell]) -> str:
    dtypes = ", ".join(dict.fromkeys(cell.dtype for cell in cells))
    return f"{dtypes}: {', '.join(dict.fromkeys(cell.check for cell in cells))}"


def _of_rows(
    rows: Sequence[Reach], maker: Maker | None, identification: Identification
) -> Iterator[Fault]:
    """Yield what goes wrong on the way to the last position that must be right, and what was not
    asked that far.

    What `identify` says of it as it is constructed is not said again.
    """
    length = maker.judged_to if maker and maker.kind else None
    told_by_identify = [
        ("constructed", remark.message) for remark in identification.findings if remark.mistake
    ]
    bad = [
        row
        for row in rows
        if row.verdict in FINDINGS and (row.condition, row.message) not in told_by_identify
    ]
    for group in group_by(bad, lambda row: (row.failure or row.message, row.verdict)).values():
        first = group[0]
        # what is wrong from the start is not told once more of all the rest
        plain = first.condition == "constructed"
        conditions = ", ".join(_condition(row) for row in (group[:1] if plain else group))
        yield Fault(
            answer=_answer_of(first, maker), by="context", rule=first.failure or first.finding or first.condition,
            message=f"{conditions}: {first.message}",
            **knowledge_of(first) | {"fix": _longer(first, maker) or first.fix},
        )  # fmt: skip
    right = [row for row in rows if row.verdict == "agrees" and row.asked_to is not None]
    for row in [row for row in right if (row.asked_to or 0) + 1 < (length or 0)][:1]:
        asked = f"{_condition(row)}: tested up to position {row.asked_to} and no further"
        why = row.stopped or "its table has no more rows"
        message = f"{asked}, {length} must be right: {why}"
        fix = "build it as long as it must be, or ask for less with --to"
        yield _unknown("context", NOT_MEASURED, message, fix)


def _condition(row: Reach) -> str:
    return CONDITION_WORDS.get(row.condition, row.condition)


def _answer_of(row: Reach, maker: Maker | None) -> Answer:
    """The answer for a row that went wrong.

    A table that is too short is wrong if the file itself builds it so; else its user may build it
    for more positions.
    """
    return "unknown" if row.finding == "short" and not (maker and maker.by_file) else "wrong"


def _longer(row: Reach, maker: Maker | None) -> str | None:
    """What to do about a table that ends before the last position that must be right."""
    if row.finding != "short" or maker is None:
        return None
    if maker.by_file:
        return f"build it for at least {maker.judged_to} positions, or ask for less with --to"
    return (
        f"name a function without arguments that builds it as you do, for {maker.judged_to} "
        "positions, or ask for less"
    )


def _why_not_judged(
    identification: Identification, cells: Sequence[Cell], rows: Sequence[Reach]
) -> Iterator[Fault]:
    """Yield why a function that is understood was not judged: then it is not right either."""
    convention = identification.convention
    if identification.answer == "unknown" or convention is None or _on_a_grid(identification):
        return
    for by, results, kinds in (
        ("context", rows, ("builds", "both")),
        ("compare", cells, ("applies", "both")),
    ):
        ran = [result for result in results if result.verdict in ("agrees", *FINDINGS)]
        if convention.kind in kinds and not ran:
            if by == "context" and identification.device == INTERPRETER:
                yield _unknown(by, NOT_MEASURED, NO_MEASUREMENT, ON_A_GPU)
                return
            why = next((result.message for result in results if result.message), "it was not run")
            fix = ELSEWHERE if any(result.verdict == "skipped" for result in results) else DECLARE
            yield _unknown(by, NOT_MEASURED, f"it was not judged: {why}", fix)
            return


def _on_a_grid(identification: Identification) -> bool:
    """Whether it turns the squares of a grid, which `identify` alone judges, and as constructed."""
    convention = identification.convention
    if convention is None:
        return False
    return convention.positions == "grid" or convention.schedule == "axial"


def _right_to(rows: Sequence[Reach], length: int | None) -> int | None:
    """How many positions, from 0, are right under every condition."""
    if length is None or not any(row.phases for row in rows):
        return None
    lengths = [length]
    for row in rows:
        if row.verdict in FINDINGS and row.phases:
            lengths.append(0 if row.right_to is None else row.right_to + 1)
        elif row.asked_to is not None and row.verdict == "agrees":
            lengths.append(row.asked_to + 1)
    return min(lengths)


def _notes(
    identification: Identification, cells: Sequence[Cell], rows: Sequence[Reach]
) -> list[str]:
    notes = [remark.message for remark in identification.findings if not remark.mistake]
    notes += [f"not tried: {name}" for name in identification.untried]
    notes += [GRID] if identification.answer == "right" and _on_a_grid(identification) else []
    notes += [f"loaded {fact.says}" for fact in identification.evidence if fact.field == "loaded"]
    notes += [cell.note for cell in cells if cell.note and cell.verdict == "agrees"]
    right = (row for row in rows if row.verdict == "agrees")
    notes += [f"{_condition(row)}: {row.note}" for row in right if row.note]
    return list(dict.fromkeys(notes))
