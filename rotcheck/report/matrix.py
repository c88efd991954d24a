"""The matrix: implementations down, devices and dtypes across,
the worst of all checks in each field."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from rotcheck.grouping import group_by
from rotcheck.report.affected_places import device_name
from rotcheck.report.document import BAD, GOOD, UNCLEAR, Columns, Field, Grid, Table, Tone
from rotcheck.report.text import figure, one_line
from rotcheck.results import FINDINGS, UNIDENTIFIED, Cell, Report, Verdict

WORST_FIRST: tuple[Verdict, ...] = (
    "crashes",
    "hangs",
    "raises",
    "disagrees",
    "unidentified",
    "agrees",
    "skipped",
    "unavailable",
)
REMARKABLE = 2.0  # rounding steps: more than arithmetic in the dtype needs
NOT_RUN = {"skipped": "skip", "unavailable": "n/a"}
SCALE = (
    "The figure is the largest error of all checks, in rounding steps of the dtype: up to 0.8 rounds once, "
    "up to 2 computes in the dtype, over 4 is wrong."
)
_COUNT = re.compile(r"\d+ of \d+")
LEGEND = {
    "n/a": "n/a: not on this machine",
    "skip": "skip: not run, the reason is below",
    "?": "?: not identified and so not run, what to do is below",
}


def table(report: Report) -> Table:
    """The matrix of a report; where there is room, each bad field says which checks are bad."""
    return Table(grid(report, detail=True), grid(report, detail=False))


def grid(report: Report, *, detail: bool) -> Grid:
    """The matrix of a report; with `detail`, each bad field says which checks are bad."""
    fields = group_by(
        report.cells, lambda cell: (cell.implementation, device_name(cell), cell.dtype)
    )
    names = _unique(cell.implementation for cell in report.cells)
    groups = []
    for device in _unique(map(device_name, report.cells)):
        dtypes = _unique(cell.dtype for cell in report.cells if device_name(cell) == device)
        rows = tuple(
            tuple(entry(fields.get((name, device, dtype), ()), detail=detail) for dtype in dtypes)
            for name in names
        )
        groups.append(Columns(device, dtypes, rows))
    table = Grid("implementation", tuple(map(one_line, names)), tuple(groups))
    return replace(table, legend=legend(table.texts()))


def entry(cells: Sequence[Cell], *, detail: bool) -> Field:
    """What the matrix shows for the checks of one implementation on one device in one dtype."""
    if not cells:
        return Field("-", "dim")
    cells = [
        cell for cell in cells if cell.applies
    ] or cells  # a check that does not apply is no gap
    worst = min((cell.verdict for cell in cells), key=WORST_FIRST.index)
    worst_cells = [cell for cell in cells if cell.verdict == worst]
    if worst in NOT_RUN:
        return Field(NOT_RUN[worst], "dim")
    if worst == UNIDENTIFIED:
        return Field(UNCLEAR, "note")
    signs = {"agrees": GOOD, "disagrees": BAD}
    error = _worst_error(worst_cells) if worst in signs else ""
    word = f"{signs.get(worst, worst)} {error}".rstrip()
    meant = _checks_meant(worst_cells, cells)
    if worst == "agrees" and not error:  # nothing was measured: at least it says how much ran
        return Field(f"{word} {meant.strip('()')}".rstrip(), "good")
    text = f"{word} {meant if detail else ''}".rstrip()
    return Field(text, _tone(worst_cells) if worst == "agrees" else "bad")


def legend(texts: Collection[str]) -> str:
    """What the signs in the fields of the matrix mean, those that occur."""
    signs = [f"{GOOD} agrees, {BAD} disagrees"]
    signs += [meaning for sign, meaning in LEGEND.items() if sign in texts]
    counts = [match[0] for text in texts if (match := _COUNT.search(text))]
    signs += [f"{min(counts)}: in that many of the checks"] if counts else []
    return f"{'; '.join(signs)}. {SCALE}"


def _worst_error(cells: Sequence[Cell]) -> str:
    if any(cell.not_finite for cell in cells):
        return "nan/inf"
    errors = [cell.error for cell in cells if cell.error is not None]
    return figure(max(errors)) if errors else ""


def _checks_meant(cells_meant: Sequence[Cell], cells: Sequence[Cell]) -> str:
    """Which checks are meant when it is not all of them: the one, or how many of how many."""
    if len(cells_meant) == len(cells):
        return ""
    single = len(cells_meant) == 1 and cells_meant[0].verdict in FINDINGS
    return cells_meant[0].check if single else f"({len(cells_meant)} of {len(cells)})"


def _tone(cells: Sequence[Cell]) -> Tone:
    return "note" if any((cell.error or 0) > REMARKABLE for cell in cells) else "good"


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
