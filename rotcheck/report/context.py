"""How far in context something is right, in words and tables: a table for each object, a row for each condition."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rotcheck.report.findings import Remark
from rotcheck.report.grid import Block, Entry, Grid, Marks, Tone
from rotcheck.report.text import figure, one_line, plural
from rotcheck.results import FINDINGS, Context, Maker, Reach, exit_code

SHOWN = (4097, 32767, 131071)  # positions with a column of their own
LEGEND = (
    "right up to: the last position before the first whose phase is {right:g} rad or more off the float64 truth; "
    "with a +: as far as it was asked. at ...: how far the worst pair is off there, in radians. "
    "{bad}: wrong within the positions that it claims, or within {unclaimed} where it claims none."
)
UNCLAIMED = "4096"
NOTHING_RAN = 5
_WORDS = {
    "agrees": "agree",
    "disagrees": "disagree",
    "raises": "raise",
    "crashes": "crash",
    "hangs": "hang",
}
_SHORT = {"unavailable": "n/a", "skipped": "skipped"}
NOTHING = Entry("-")


@dataclass(frozen=True, slots=True)
class Section:
    """One object, its rows and what is told of it."""

    maker: Maker
    rows: tuple[Reach, ...]

    @property
    def title(self) -> str:
        """The object in one line."""
        return one_line(f"{self.maker.implementation}: {_made(self.maker)}")


@dataclass(frozen=True, slots=True)
class Note(Remark):
    """Something worth one line: of whom, under which conditions, what."""

    def __str__(self) -> str:
        return f"{self.who}, {self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one object, under every condition where it is the same thing."""

    rows: tuple[Reach, ...]

    @property
    def title(self) -> str:
        """What is wrong with whom, and when."""
        first = self.rows[0]
        return f"{one_line(first.implementation)} {first.verdict}: {_conditions(self.rows)}"


def sections(found: Context) -> list[Section]:
    """Return the objects in the order asked for."""
    return [
        Section(
            maker, tuple(row for row in found.rows if row.implementation == maker.implementation)
        )
        for maker in found.makers
    ]


def _made(maker: Maker) -> str:
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


def grid(section: Section, marks: Marks, *, detail: bool) -> Grid:
    """Return the rows of one object that ran, as a table."""
    shown = ran(section.rows)
    columns = ("right up to", *(f"at {position}" for position in SHOWN), "verdict")
    rows = tuple(_row(row, marks, detail=detail) for row in shown)
    return Grid("condition", tuple(row.condition for row in shown), (Block("", columns, rows),))


def ran(rows: Iterable[Reach]) -> list[Reach]:
    """Return the rows that were tried."""
    return [row for row in rows if row.verdict not in ("unavailable", "skipped")]


def _row(row: Reach, marks: Marks, *, detail: bool) -> tuple[Entry, ...]:
    errors = {phase.position: phase.error for phase in row.phases}
    at = (_error(errors, position) for position in SHOWN)
    return (_right_to(row), *at, _verdict(row, marks, detail=detail))


def _right_to(row: Reach) -> Entry:
    if not row.phases:
        return NOTHING
    if row.right_to is None:
        return Entry("nowhere", "bad")
    return Entry(str(row.right_to) if row.wrong_at is not None else f"{row.right_to}+")


def _error(errors: dict[int, float | None], position: int) -> Entry:
    if position not in errors:
        return NOTHING
    off = errors[position]
    return Entry("lost" if off is None else radians(off))


def radians(error: float) -> str:
    """Return an angle in two digits: `0`, `1.2e-04`, `0.36`, `3.1`."""
    if error == 0:
        return "0"
    return f"{error:.1e}" if error < 0.01 else figure(error)


def _verdict(row: Reach, marks: Marks, *, detail: bool) -> Entry:
    tone: Tone = "bad" if row.verdict in FINDINGS else "good"
    mark = marks.bad if row.verdict in FINDINGS else marks.good
    emulated = " (emulated)" if row.emulated and detail else ""
    return Entry(f"{mark} {row.verdict}{emulated}", tone)


def findings(found: Context) -> list[Finding]:
    """Return what went wrong, each failure of an object once."""
    groups: dict[tuple[str, str, str | None], list[Reach]] = {}
    for row in found.rows:
        if row.verdict in FINDINGS:
            key = (row.implementation, row.verdict, row.failure or row.message)
            groups.setdefault(key, []).append(row)
    return [Finding(tuple(group)) for group in groups.values()]


def details(finding: Finding) -> list[tuple[str, str]]:
    """Return what is known of a finding as labelled texts, in the order to show them."""
    first = finding.rows[0]
    what = dict.fromkeys(
        f"{_conditions(group)}: {group[0].message}" for group in _alike(finding.rows)
    )
    lines = [
        ("what", "; ".join(what) if len(finding.rows) > 1 else first.message or ""),
        ("note", "; ".join(dict.fromkeys(row.note for row in finding.rows if row.note))),
        ("at", first.trace[0] if first.trace else ""),
        ("emulated", "what the device cannot do itself was emulated" if first.emulated else ""),
        ("cause", first.cause or ""),
        ("fix", first.fix or ""),
        ("more", f"rotcheck explain {first.failure}" if first.failure else ""),
    ]
    return [(label, text) for label, text in lines if text]


def _alike(rows: Sequence[Reach]) -> list[list[Reach]]:
    groups: dict[str | None, list[Reach]] = {}
    for row in rows:
        groups.setdefault(row.message, []).append(row)
    return list(groups.values())


def _conditions(rows: Sequence[Reach]) -> str:
    return ", ".join(row.condition for row in rows)


def notes(found: Context) -> list[Note]:
    """Return what is worth knowing of rows that agree, each note once."""
    return _remarks(
        found, [(row, row.note) for row in found.rows if row.verdict == "agrees" and row.note]
    )


def reasons(found: Context, verdict: str) -> list[Note]:
    """Return why rows are unavailable or skipped, each reason once."""
    bad = [row for row in found.rows if row.verdict == verdict]
    return _remarks(found, [(row, row.message or "no reason was given") for row in bad])


def _remarks(found: Context, said: Sequence[tuple[Reach, str]]) -> list[Note]:
    groups: dict[tuple[str, str], list[Reach]] = {}
    for row, text in said:
        groups.setdefault((row.implementation, text), []).append(row)
    total = len({row.condition for row in found.rows})
    return [
        Note(
            one_line(who),
            "all conditions" if len(rows) == total > 1 else _conditions(rows),
            one_line(text),
        )
        for (who, text), rows in groups.items()
    ]


def headline(found: Context) -> str:
    """Return what was run, on what."""
    torch = f", torch {found.torch}" if found.torch else ""
    return one_line(f"rotcheck {found.rotcheck}{torch}, on {found.device}")


def legend(found: Context, marks: Marks) -> str:
    """Return what the columns mean."""
    return LEGEND.format(right=found.right, bad=marks.bad, unclaimed=UNCLAIMED)


def summary_line(found: Context) -> str:
    """Return `11 rows: 7 agree, 3 disagree, 1 skipped`."""
    counts = [
        f"{count} {_WORDS.get(verdict, verdict)}"
        for verdict, count in found.summary.items()
        if count
    ]
    rows = plural(len(found.rows), "row")
    if found.interrupted:
        rows = f"interrupted: {len(found.rows)} of {plural(max(found.planned, len(found.rows)), 'row')}"
    nothing = "; nothing ran" if exit_code(found.rows) == NOTHING_RAN else ""
    return f"{rows}: {', '.join(counts)}{nothing}" if counts else f"{rows}{nothing}"
