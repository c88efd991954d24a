"""What a comparison says of the functions that it identified first:
the convention of each, and what to know of it."""

from collections.abc import Iterator, Sequence

from rotcheck.report.convention_summary import ambiguities, title
from rotcheck.report.document import BAD, Lines
from rotcheck.report.findings import Note
from rotcheck.report.text import one_line
from rotcheck.results import Identification, Report, mistaken


def lines(report: Report) -> list[str]:
    """One line for each function: the convention in which it is judged,
    or what is wrong with it."""
    return [
        title(identification) + (" (judged by what it declares)" if identification.declared else "")
        for identification in report.conventions
    ]


def remarks(report: Report) -> list[Note]:
    """What of a convention cannot be known, and which arguments were not tried."""
    return [
        Note(_name(identification), identification.device, one_line(text))
        for identification in report.conventions
        for text in _texts(identification)
    ]


def _texts(identification: Identification) -> Iterator[str]:
    convention = identification.convention
    for field in ambiguities(identification):
        if field.label != "layout" or convention is None or convention.layout is None:
            yield f"{field.label} cannot be known: {field.text}"
    if identification.untried:
        yield f"not tried: {', '.join(identification.untried)}"


def wrong(conventions: Sequence[Identification]) -> Iterator[Lines]:
    """One line for each function that `rotcheck identify` calls a mistake."""
    lines = [
        f"{BAD} {title(identification)}: `rotcheck identify {_name(identification)}` shows it"
        for identification in mistaken(conventions)
    ]
    if lines:
        yield Lines(lines, "bad")


def _name(identification: Identification) -> str:
    return one_line(identification.specification)
