"""How far in context something is right: a table for each object, a row for each condition."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rotcheck.exit_codes import NOTHING_RAN
from rotcheck.report import document as doc
from rotcheck.report import findings as of_cells
from rotcheck.report.summary import tally
from rotcheck.report.text import figure, one_line, plural
from rotcheck.results import FINDINGS, Context, Maker, Reach, exit_code

WORD = "a table of contexts"
RESULT = Context

POSITIONS = (4097, 32767, 131071)  # positions with a column of their own
LEGEND = (
    "right up to: the last position before the first whose phase is {right:g} rad or more off the float64 truth; "
    "with a +: as far as it was asked. at ...: how far the worst pair is off there, in radians. "
    "{bad}: wrong within the positions that it claims, or within {unclaimed} where it claims none."
)
NO_CLAIM = "4096"
EMULATION = "what the device cannot do itself was emulated"
NOTHING = doc.Field("-", "dim")


@dataclass(frozen=True, slots=True)
class MakerRows:
    """One object, its rows and what is told of it."""

    maker: Maker
    rows: tuple[Reach, ...]

    @property
    def title(self) -> str:
        """The object in one line."""
        return one_line(f"{self.maker.implementation}: {_description(self.maker)}")


@dataclass(frozen=True, slots=True)
class ReachFinding:
    """What is wrong with one object, under every condition where it is the same thing."""

    rows: tuple[Reach, ...]

    @property
    def title(self) -> str:
        """What is wrong with whom, and when."""
        first = self.rows[0]
        return f"{one_line(first.implementation)} {first.verdict}: {_conditions(self.rows)}"


def document(context: Context) -> doc.Document:
    """A table for each object, what went wrong, and what did not run."""
    return doc.Document(tuple(_parts(context)), "rotcheck context")


def _parts(context: Context) -> Iterator[doc.Part]:
    yield doc.Lines([_run_on(context)])
    for group in by_maker(context):
        long, short = grid(group, detail=True), grid(group, detail=False)
        yield doc.Section(group.title, [doc.Table(long, short)] if long.names else [])
    yield from doc.legend(_legend(context), of=ran(context.rows))
    for finding in findings(context):
        yield doc.Finding(finding.title, _details(finding))
    yield from doc.listing("Worth knowing", _notes(context), aside=True)
    yield from of_cells.reasons_listed(lambda verdict: _reasons(context, verdict))
    yield doc.Summary(summary_line(context))


def by_maker(context: Context) -> list[MakerRows]:
    """The objects in the order asked for, each with its rows."""
    return [
        MakerRows(
            maker,
            tuple(row for row in context.rows if row.implementation == maker.implementation),
        )
        for maker in context.makers
    ]


def _description(maker: Maker) -> str:
    if maker.kind is None:
        return "makes no angles of its own that could be judged"
    does = "makes tables" if maker.kind == "builds" else "rotates by positions"
    how = (
        f"{maker.schedule}"
        if maker.schedule
        else "no known schedule, held against its own first angles"
    )
    claims = (
        f"claims {maker.claims} positions ({maker.claimed_by})"
        if maker.claims
        else "claims no length"
    )
    return f"{does}, {how}; {claims}"


def grid(group: MakerRows, *, detail: bool) -> doc.Grid:
    """The rows of one object that ran, as a table."""
    rows_tried = ran(group.rows)
    names = ("right up to", *(f"at {position}" for position in POSITIONS), "verdict")
    rows = tuple(_row(row, detail=detail) for row in rows_tried)
    return doc.Grid(
        "condition", tuple(row.condition for row in rows_tried), (doc.Columns("", names, rows),)
    )


def ran(rows: Iterable[Reach]) -> list[Reach]:
    """The rows that were tried."""
    return [row for row in rows if row.verdict not in ("unavailable", "skipped")]


def _row(row: Reach, *, detail: bool) -> tuple[doc.Field, ...]:
    errors = {phase.position: phase.error for phase in row.phases}
    at = (_error(errors, position) for position in POSITIONS)
    return (_right_to(row), *at, _verdict(row, detail=detail))


def _right_to(row: Reach) -> doc.Field:
    if not row.phases:
        return NOTHING
    if row.right_to is None:
        return doc.Field("nowhere", "bad")
    return doc.Field(str(row.right_to) if row.wrong_at is not None else f"{row.right_to}+")


def _error(errors: dict[int, float | None], position: int) -> doc.Field:
    if position not in errors:
        return NOTHING
    off = errors[position]
    return doc.Field("lost" if off is None else radians(off))


def radians(error: float) -> str:
    """An angle in two digits: `0`, `1.2e-04`, `0.36`, `3.1`."""
    if error == 0:
        return "0"
    return f"{error:.1e}" if error < 0.01 else figure(error)


def _verdict(row: Reach, *, detail: bool) -> doc.Field:
    emulation = " (emulated)" if row.emulated and detail else ""
    bad = row.verdict in FINDINGS
    return doc.Field(
        f"{doc.BAD if bad else doc.GOOD} {row.verdict}{emulation}", "bad" if bad else "good"
    )


def findings(context: Context) -> list[ReachFinding]:
    """What went wrong, each failure of an object once."""
    groups: dict[tuple[str, str, str | None], list[Reach]] = {}
    for row in context.rows:
        if row.verdict in FINDINGS:
            key = (row.implementation, row.verdict, row.failure or row.message)
            groups.setdefault(key, []).append(row)
    return [ReachFinding(tuple(group)) for group in groups.values()]


def _details(finding: ReachFinding) -> list[doc.Detail]:
    """What is known of a finding, in the order to show it."""
    first = finding.rows[0]
    messages = dict.fromkeys(
        f"{_conditions(group)}: {group[0].message}" for group in _alike(finding.rows)
    )
    message = "; ".join(messages) if len(finding.rows) > 1 else first.message or ""
    return doc.details(
        doc.Detail("what", message, "quote"),
        doc.Detail("note", "; ".join(dict.fromkeys(row.note for row in finding.rows if row.note))),
        doc.Detail("at", first.trace[0] if first.trace else ""),
        doc.Detail("emulated", EMULATION if first.emulated else ""),
        *doc.knowledge(first),
    )


def _alike(rows: Sequence[Reach]) -> list[list[Reach]]:
    groups: dict[str | None, list[Reach]] = {}
    for row in rows:
        groups.setdefault(row.message, []).append(row)
    return list(groups.values())


def _conditions(rows: Sequence[Reach]) -> str:
    return ", ".join(row.condition for row in rows)


def _notes(context: Context) -> list[str]:
    """What is worth knowing of rows that agree, each note once."""
    agreeing = [row for row in context.rows if row.verdict == "agrees"]
    return _once(context, [(row, row.note) for row in agreeing if row.note])


def _reasons(context: Context, verdict: str) -> list[str]:
    """Why rows are unavailable or skipped, each reason once."""
    rows = [row for row in context.rows if row.verdict == verdict]
    return _once(context, [(row, row.message or "no reason was given") for row in rows])


def _once(context: Context, texts: Sequence[tuple[Reach, str]]) -> list[str]:
    """Each text once, with the object and the conditions that it is about."""
    groups: dict[tuple[str, str], list[Reach]] = {}
    for row, text in texts:
        groups.setdefault((row.implementation, text), []).append(row)
    total = len({row.condition for row in context.rows})
    lines = []
    for (name, text), rows in groups.items():
        where = "all conditions" if len(rows) == total > 1 else _conditions(rows)
        lines.append(f"{one_line(name)}, {where}: {one_line(text)}")
    return lines


def _run_on(context: Context) -> str:
    torch = f", torch {context.torch}" if context.torch else ""
    return one_line(f"rotcheck {context.rotcheck}{torch}, on {context.device}")


def _legend(context: Context) -> str:
    return LEGEND.format(right=context.right, bad=doc.BAD, unclaimed=NO_CLAIM)


def summary_line(context: Context) -> str:
    """`11 rows: 7 agree, 3 disagree, 1 skipped`, or how far an interrupted run came."""
    count = len(context.rows)
    rows = plural(count, "row")
    if context.interrupted:
        rows = f"interrupted: {count} of {plural(max(context.planned, count), 'row')}"
    nothing = exit_code(context.rows) == NOTHING_RAN
    return tally(rows, context.summary, nothing=nothing)
