"""What a comparison says of the functions that it identified first: the convention of each, and what to know of it."""

from collections.abc import Iterator

from rotcheck.report import identification
from rotcheck.report.findings import Remark
from rotcheck.report.text import one_line
from rotcheck.results import Identification, Report
from rotcheck.results import findings as bad_cells


def lines(report: Report) -> list[str]:
    """Return one line for each function: the convention in which it is judged, or what is wrong with it."""
    return [_line(found) for found in report.conventions]


def _line(found: Identification) -> str:
    return identification.title(found) + (" (held to what it declares)" if found.declared else "")


def remarks(report: Report) -> list[Remark]:
    """Return likely mistakes that no finding of a cell tells already, and what of a convention cannot be known."""
    return [
        Remark(_name(found), found.device, one_line(text))
        for found in report.conventions
        for text in _texts(found, report)
    ]


def _texts(found: Identification, report: Report) -> Iterator[str]:
    if found.convention is None and found.message:
        yield f"was not identified: {found.message}"
    told = _told(found, report)
    for remark in found.findings:
        if remark.mistake and (remark.failure is None or remark.failure not in told):
            more = f" (rotcheck explain {remark.failure})" if remark.failure else ""
            yield f"likely a mistake: {remark.message}{more}"
    for field, possible in identification.ambiguities(found):
        if field != "layout" or found.convention is None or found.convention.layout is None:
            yield f"{field} cannot be known: {possible}"


def _told(found: Identification, report: Report) -> set[str | None]:
    """Return the ids of the failures that the cells of this function are findings of."""
    return {
        cell.failure for cell in bad_cells(report.cells) if cell.implementation.endswith(found.specification)
    }


def _name(found: Identification) -> str:
    return one_line(found.specification)
