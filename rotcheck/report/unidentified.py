"""What was not identified: nobody is accused, and it is said why and what to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rotcheck.report.document import Detail, Finding
from rotcheck.report.findings import form, named
from rotcheck.report.text import one_line
from rotcheck.results import UNIDENTIFIED, Cell, Identification, Report

MOST_TRIED = 3


@dataclass(frozen=True, slots=True)
class Unknown:
    """Functions that were not identified for one reason."""

    names: tuple[str, ...]
    why: str
    tried: tuple[str, ...]  # calls that were tried in vain, of a function alone
    fix: str

    @property
    def title(self) -> str:
        """Who was not identified."""
        return f"{named(self.names)}: not identified"


def unknowns(report: Report) -> list[Unknown]:
    """Return what was not identified, each reason once."""
    groups: dict[tuple[str, str | None], list[Cell]] = {}
    for cell in report.cells:
        if cell.verdict == UNIDENTIFIED:
            groups.setdefault((form(cell.message), cell.fix), []).append(cell)
    return [_of_cells(group, report.conventions) for group in groups.values()]


def shown(report: Report) -> Iterator[Finding]:
    """What was not identified as a document has it."""
    for unknown in unknowns(report):
        tried = [Detail("tried" if at == 0 else "", call) for at, call in enumerate(unknown.tried)]
        details = [Detail("why", unknown.why), *tried, Detail("fix", unknown.fix)]
        yield Finding(unknown.title, details, "note")


def _of_cells(cells: Sequence[Cell], conventions: Sequence[Identification]) -> Unknown:
    names = tuple(dict.fromkeys(one_line(cell.implementation) for cell in cells))
    name = cells[0].implementation
    found = next((each for each in conventions if name.endswith(each.specification)), None)
    tried = found.tried[:MOST_TRIED] if found and len(names) == 1 else ()
    return Unknown(
        names, one_line(cells[0].message or ""), tuple(map(one_line, tried)), cells[0].fix or ""
    )
