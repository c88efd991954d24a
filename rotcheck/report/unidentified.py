"""What was not identified: nobody is accused, and it is said why and what to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rotcheck.grouping import group_by
from rotcheck.report.document import Detail, Finding
from rotcheck.report.findings import form, name_list
from rotcheck.report.text import one_line
from rotcheck.results import UNIDENTIFIED, Cell, Identification

MOST_TRIED = 3


@dataclass(frozen=True, slots=True)
class UnclearCall:
    """Functions that were not identified for one reason."""

    names: tuple[str, ...]
    why: str
    calls: tuple[str, ...]  # calls that were tried in vain, of a function alone
    fix: str

    @property
    def title(self) -> str:
        """Who was not identified."""
        return f"{name_list(self.names)}: not identified"


def unknowns(cells: Sequence[Cell], conventions: Sequence[Identification]) -> list[UnclearCall]:
    """What was not identified, each reason once."""
    unclear = [cell for cell in cells if cell.verdict == UNIDENTIFIED]
    groups = group_by(unclear, lambda cell: (form(cell.message), cell.fix)).values()
    return [_of_cells(group, conventions) for group in groups]


def parts(cells: Sequence[Cell], conventions: Sequence[Identification]) -> Iterator[Finding]:
    """What was not identified as a document has it."""
    for group in unknowns(cells, conventions):
        calls = [Detail("tried" if at == 0 else "", call) for at, call in enumerate(group.calls)]
        details = [Detail("why", group.why), *calls, Detail("fix", group.fix)]
        yield Finding(group.title, details, "note")


def _of_cells(cells: Sequence[Cell], conventions: Sequence[Identification]) -> UnclearCall:
    names = tuple(dict.fromkeys(one_line(cell.implementation) for cell in cells))
    name = cells[0].implementation
    identification = next((each for each in conventions if name.endswith(each.specification)), None)
    calls = identification.tried[:MOST_TRIED] if identification and len(names) == 1 else ()
    return UnclearCall(
        names, one_line(cells[0].message or ""), tuple(map(one_line, calls)), cells[0].fix or ""
    )
