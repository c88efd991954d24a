"""Groups the cells of a report into what a reader wants told once:
findings, notes, reasons, paths."""

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rotcheck.grouping import group_by
from rotcheck.report import document
from rotcheck.report.affected_places import device_name, devices, places
from rotcheck.report.document import Detail, Finding, Listing
from rotcheck.report.text import figure, one_line
from rotcheck.results import Cell, Course, Reach, Timing
from rotcheck.results import findings as bad_cells

MOST_NAMED, FIRST_NAMES = 9, 6  # names on a line; where there are more, so many are told
_NUMBER = re.compile(r"[-+]?\d[\d.]*(?:e[-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class CellFinding:
    """One thing that is wrong with one implementation, wherever it shows."""

    cells: tuple[Cell, ...]
    where: str
    reason: str = ""  # why a cell that is no finding by itself is one here

    @property
    def worst(self) -> Cell:
        """The cell that shows it most."""
        return max(self.cells, key=lambda cell: (cell.not_finite, cell.error or 0))

    @property
    def title(self) -> str:
        """What is wrong with whom."""
        return f"{one_line(self.worst.implementation)} {'does not hold' if self.reason else self.worst.verdict}"


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth one line: who, where, what."""

    names: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.names} on {self.where}: {self.text}"


def findings(
    cells: Sequence[Cell], violations: Iterable[tuple[Cell, str]] = ()
) -> list[CellFinding]:
    """Each distinct finding: the same implementation, verdict and failure or message."""
    groups = [
        CellFinding(tuple(group), places(group, _same_devices(group, cells)))
        for group in group_by(bad_cells(cells), _alike).values()
    ]
    for (_, reason), pairs in group_by(violations, lambda v: (v[0].implementation, v[1])).items():
        group = [cell for cell, _ in pairs]
        groups.append(CellFinding(tuple(group), places(group, _same_devices(group, cells)), reason))
    return groups


def details(finding: CellFinding) -> list[Detail]:
    """What is known of a finding, in the order to show it."""
    cell = finding.worst
    shown_by = next((cell.demonstration for cell in finding.cells if cell.demonstration), None)
    return document.details(
        Detail("what", finding.reason or cell.message or "", "quote"),
        Detail("error", worst_error(cell) if not finding.reason else ""),
        Detail("at", cell.trace[0] if cell.trace else ""),
        Detail("path", cell.path if cell.path and cell.path != cell.implementation else ""),
        *document.knowledge(cell, shown_by),
    )


def parts(group: Iterable[CellFinding]) -> Iterator[Finding]:
    """The findings as a document has them."""
    for finding in group:
        yield Finding(finding.title, details(finding), where=finding.where)


def worth_knowing(cells: Sequence[Cell], more: Iterable[Note] = ()) -> Iterator[Listing]:
    """The notes on cells that agree, and more, as a document has them."""
    texts = list(map(str, [*notes(cells), *more]))
    yield from document.listing("Worth knowing", texts, aside=True)


def not_run(cells: Sequence[Cell]) -> Iterator[Listing]:
    """Why cells did not run, below a heading for each of the two verdicts."""
    for title, verdict in (("Not on this machine", "unavailable"), ("Skipped", "skipped")):
        yield from document.listing(title, list(map(str, reasons(cells, verdict))), aside=True)


def worst_error(cell: Cell) -> str:
    """The error figure in words, with the place where it sits."""
    parts = []
    if cell.error is not None:
        parts.append(f"{figure(cell.error)} rounding steps in {cell.dtype} {cell.check}")
    if cell.where and parts:
        parts[0] += " at " + ", ".join(
            "qkv"[index] if axis == "qkv" else f"{axis} {index}"
            for axis, index in cell.where.items()
        )
    if cell.not_finite:
        parts.append(f"{cell.not_finite} NaN or infinite elements in {cell.dtype} {cell.check}")
    return "; ".join(parts)


def notes(cells: Sequence[Cell]) -> list[Note]:
    """What is worth knowing of cells that agree, each note once."""
    agreeing = [cell for cell in cells if cell.verdict == "agrees" and cell.note]
    remarkable = [cell for cell in agreeing if not _went_elsewhere(cell)]
    groups = group_by(remarkable, lambda cell: form(cell.note)).values()
    return [_remark(group, cells, group[0].note or "") for group in groups]


def reasons(cells: Sequence[Cell], verdict: str) -> list[Note]:
    """Why cells are unavailable or skipped, each reason once."""
    meant = [cell for cell in cells if cell.verdict == verdict]
    groups = group_by(meant, lambda cell: form(cell.message)).values()
    return [_remark(group, cells, group[0].message or "no reason was given") for group in groups]


def paths(cells: Iterable[Cell]) -> list[str]:
    """Which code ran under another name: `fallback ran native on cpu:
    flash-attn cannot run here`."""
    elsewhere = filter(_went_elsewhere, cells)
    groups = group_by(elsewhere, lambda cell: (cell.implementation, cell.path)).values()
    return [_path_line(group) for group in groups]


def _path_line(cells: Sequence[Cell]) -> str:
    first, on = cells[0], ", ".join(dict.fromkeys(map(device_name, cells)))
    why = min((one_line(cell.note) for cell in cells if cell.note), key=len, default="")
    line = f"{one_line(first.implementation)} ran {one_line(first.path or '')} on {on}"
    return f"{line}: {why}" if why else line


def _went_elsewhere(cell: Cell) -> bool:
    return cell.verdict == "agrees" and cell.path is not None and cell.path != cell.implementation


def _remark(cells: Sequence[Cell], among: Sequence[Cell], text: str) -> Note:
    names = name_list(
        [one_line(name) for name in dict.fromkeys(cell.implementation for cell in cells)]
    )
    unique = list({(c.device, c.dtype, c.check): c for c in cells}.values())
    return Note(names, devices(unique, _same_devices(cells, among)), one_line(text))


def name_list(names: Sequence[str]) -> str:
    """Names on one line: all, or the first few and how many more there are."""
    few = names if len(names) <= MOST_NAMED else names[:FIRST_NAMES]
    more = f" and {len(names) - len(few)} more" if len(few) < len(names) else ""
    return f"{', '.join(few)}{more}"


def _same_devices(cells: Sequence[Cell], among: Sequence[Cell]) -> list[Cell]:
    devices_here = {cell.device for cell in cells}
    return [cell for cell in among if cell.device in devices_here]


def _alike(cell: Cell) -> Hashable:
    failure = cell.failure if cell.verdict == "disagrees" else None
    return cell.implementation, cell.verdict, failure or form(cell.message)


def form(text: str | None) -> str:
    """A text without its figures, which differ from dtype to dtype."""
    return _NUMBER.sub("#", text or "")


def as_cell(row: Course | Timing | Reach, **more: Any) -> Cell:
    """A row of another result as a cell: findings, notes and reasons are read off cells."""
    common = {name: getattr(row, name) for name in Cell.__struct_fields__ if hasattr(row, name)}
    return Cell(**common | more)
