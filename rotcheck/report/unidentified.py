"""What was not identified: nobody is accused, and it is said why and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

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


def unknown(report: Report) -> list[Unknown]:
    """Return what was not identified, each reason once."""
    groups: dict[tuple[str, str | None], list[Cell]] = {}
    for cell in report.cells:
        if cell.verdict == UNIDENTIFIED:
            groups.setdefault((form(cell.message), cell.fix), []).append(cell)
    return [_of_cells(group, report.conventions) for group in groups.values()]


def details(one: Unknown) -> list[tuple[str, str]]:
    """Return what is known of it as labelled texts, in the order to show them."""
    tried = [("tried" if at == 0 else "", text) for at, text in enumerate(one.tried)]
    return [("why", one.why), *tried, ("fix", one.fix)]


def _of_cells(cells: Sequence[Cell], conventions: Sequence[Identification]) -> Unknown:
    names = tuple(dict.fromkeys(one_line(cell.implementation) for cell in cells))
    told = next(
        (one for one in conventions if cells[0].implementation.endswith(one.specification)), None
    )
    tried = told.tried[:MOST_TRIED] if told and len(names) == 1 else ()
    return Unknown(
        names, one_line(cells[0].message or ""), tuple(map(one_line, tried)), cells[0].fix or ""
    )
