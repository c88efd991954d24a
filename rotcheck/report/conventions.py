"""What a comparison says of the functions that it identified first: the convention of each, and what to know of it."""

from collections.abc import Iterator, Sequence

from rotcheck.report.document import BAD, Lines
from rotcheck.report.findings import Note
from rotcheck.report.pages import identification
from rotcheck.report.text import one_line
from rotcheck.results import Identification, Report, mistaken


def lines(report: Report) -> list[str]:
    """Return one line for each function: the convention in which it is judged, or what is wrong with it."""
    return [_line(found) for found in report.conventions]


def _line(found: Identification) -> str:
    return identification.title(found) + (" (held to what it declares)" if found.declared else "")


def remarks(report: Report) -> list[Note]:
    """Return what of a convention cannot be known, and which arguments were not tried."""
    return [
        Note(_name(found), found.device, one_line(text))
        for found in report.conventions
        for text in _texts(found)
    ]


def _texts(found: Identification) -> Iterator[str]:
    for field, possible in identification.ambiguities(found):
        if field != "layout" or found.convention is None or found.convention.layout is None:
            yield f"{field} cannot be known: {possible}"
    if found.untried:
        yield f"not tried: {', '.join(found.untried)}"


def wrong(conventions: Sequence[Identification]) -> Iterator[Lines]:
    """One line for each function that `rotcheck identify` calls a mistake."""
    lines = [
        f"{BAD} {identification.title(found)}: `rotcheck identify {_name(found)}` shows it"
        for found in mistaken(conventions)
    ]
    if lines:
        yield Lines(lines, "bad")


def _name(found: Identification) -> str:
    return one_line(found.specification)
