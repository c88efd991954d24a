"""What was not identified: nobody is accused, and it is said why and what to do."""

from collections.abc import Iterator, Sequence

from rotcheck.grouping import group_by
from rotcheck.report.document import Detail, Finding
from rotcheck.report.findings import form, name_list
from rotcheck.report.text import one_line
from rotcheck.results import UNIDENTIFIED, Cell, Identification

MOST_TRIED = 3


def parts(cells: Sequence[Cell], conventions: Sequence[Identification]) -> Iterator[Finding]:
    """What was not identified, each reason once."""
    unclear = [cell for cell in cells if cell.verdict == UNIDENTIFIED]
    for group in group_by(unclear, lambda cell: (form(cell.message), cell.fix)).values():
        yield _finding(group, conventions)


def _finding(cells: Sequence[Cell], conventions: Sequence[Identification]) -> Finding:
    """Functions that were not identified for one reason,
    and what was tried in vain with one alone."""
    names = list(dict.fromkeys(one_line(cell.implementation) for cell in cells))
    spec, reason, fix = cells[0].implementation, cells[0].message or "", cells[0].fix or ""
    result = next((each for each in conventions if spec.endswith(each.specification)), None)
    calls = result.tried[:MOST_TRIED] if result and len(names) == 1 else ()
    tried = [Detail("" if at else "tried", one_line(call)) for at, call in enumerate(calls)]
    details = [Detail("why", one_line(reason)), *tried, Detail("fix", fix)]
    return Finding(f"{name_list(names)}: not identified", details, "note")
