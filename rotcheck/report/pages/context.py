"""How far in context something is right: a table for each object, a row for each condition."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rotcheck.grouping import group_by
from rotcheck.report import document as doc
from rotcheck.report import findings as of_cells
from rotcheck.report import summary
from rotcheck.report.text import figure, one_line
from rotcheck.results import FINDINGS, Context, Maker, Reach

WORD = "a table of contexts"
RESULT = Context

POSITIONS = (4097, 32767, 131071)  # positions with a column of their own
LEGEND = (
    "right up to: the last position before the first whose phase is {right:g} rad or more off the float64 truth; "
    "with a +: as far as it was tested. at ...: how far the worst pair is off there, in radians. "
    "{bad}: wrong within the positions that it claims, or within {unclaimed} where it claims none."
)
NO_CLAIM = "4096"
EMULATION = "what the device cannot do itself was emulated"
NOTHING = doc.Field("-", "dim")


@dataclass(frozen=True, slots=True)
class MakerRows:
    """One object, its rows and what is told of it."""

    maker: Maker
    rows: Sequence[Reach]

    @property
    def title(self) -> str:
        """The object in one line."""
        return one_line(f"{self.maker.implementation}: {_description(self.maker)}")


def document(context: Context) -> doc.Document:
    """A table for each object, what went wrong, and what did not run."""
    return doc.Document(tuple(_parts(context)), "rotcheck context")


def _parts(context: Context) -> Iterator[doc.Part]:
    cells = [of_cells.as_cell(row, dtype="", check=row.condition) for row in context.rows]
    yield doc.Lines([summary.run_on(context.rotcheck, context.torch, context.device)])
    for group in by_maker(context):
        long, short = grid(group, detail=True), grid(group, detail=False)
        yield doc.Section(group.title, [doc.Table(long, short)] if long.names else [])
    legend = LEGEND.format(right=context.right, bad=doc.BAD, unclaimed=NO_CLAIM)
    yield from doc.legend(legend, of=ran(context.rows))
    yield from findings(context)
    yield from of_cells.worth_knowing(cells)
    yield from of_cells.not_run(cells)
    yield doc.Summary(summary.of_rows("row", context.rows, context))


def by_maker(context: Context) -> list[MakerRows]:
    """The objects in the order asked for, each with its rows."""
    rows = group_by(context.rows, lambda row: row.implementation)
    return [MakerRows(maker, rows.get(maker.implementation, [])) for maker in context.makers]


def _description(maker: Maker) -> str:
    if maker.kind is None:
        return "makes no angles of its own that could be judged"
    does = "makes tables" if maker.kind == "builds" else "rotates by positions"
    how = maker.schedule or "no known schedule, compared with its own first angles"
    length = f"{maker.claims} positions ({maker.claimed_by})" if maker.claims else "no length"
    return f"{does}, {how}; claims {length}"


def grid(group: MakerRows, *, detail: bool) -> doc.Grid:
    """The rows of one object that ran, as a table."""
    rows = ran(group.rows)
    names = ("right up to", *(f"at {position}" for position in POSITIONS), "verdict")
    columns = doc.Columns("", names, tuple(_row(row, detail=detail) for row in rows))
    return doc.Grid("condition", tuple(row.condition for row in rows), (columns,))


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
    tone: doc.Tone = "bad" if row.verdict in FINDINGS else "good"
    return doc.Field(f"{doc.SIGNS[tone]} {row.verdict}{emulation}", tone)


def findings(context: Context) -> Iterator[doc.Finding]:
    """What went wrong, each failure of an object once, with the conditions where it is the same."""
    bad = [row for row in context.rows if row.verdict in FINDINGS]
    groups = group_by(
        bad, lambda row: (row.implementation, row.verdict, row.failure or row.message)
    )
    for (name, verdict, _), rows in groups.items():
        yield doc.Finding(f"{one_line(name)} {verdict}: {_conditions(rows)}", _details(rows))


def _details(rows: Sequence[Reach]) -> list[doc.Detail]:
    """What is known of a finding, in the order to show it."""
    first, messages = rows[0], group_by(rows, lambda row: row.message)
    by_condition = "; ".join(f"{_conditions(group)}: {text}" for text, group in messages.items())
    return doc.details(
        doc.Detail("what", by_condition if len(rows) > 1 else first.message or "", "quote"),
        doc.Detail("note", "; ".join(dict.fromkeys(row.note for row in rows if row.note))),
        doc.Detail("at", first.trace[0] if first.trace else ""),
        doc.Detail("emulated", EMULATION if first.emulated else ""),
        *doc.knowledge(first),
    )


def _conditions(rows: Sequence[Reach]) -> str:
    return ", ".join(row.condition for row in rows)
