"""What is wrong, one alert for each thing and place: what a reviewer is shown beside the line of a function."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rotcheck.report import check as checked
from rotcheck.report import findings
from rotcheck.report import scan as scanned
from rotcheck.report.page import Page
from rotcheck.report.text import one_line
from rotcheck.results import FINDINGS, Check, Fault, Hazard, Part, Scan
from rotcheck.scan.rules import rules

DECIDED = ("agrees", "unavailable", "skipped", *FINDINGS)
Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is wrong with one function, or was not understood."""

    rule: str  # id of the known failure, else the code of the finding or the check
    level: Level  # "warning": not understood
    who: str
    message: str
    cause: str = ""
    fix: str = ""
    file: str | None = None  # from the working directory
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    title: str | None = None  # of the rule; None: that of the known failure


def of_check(found: Check) -> list[Alert]:
    """Return what `rotcheck check` found."""
    return [_of_fault(part, fault) for part in found.parts for fault in part.faults]


def _of_fault(part: Part, fault: Fault) -> Alert:
    return Alert(
        rule=fault.rule,
        level="error" if fault.answer == "wrong" else "warning",
        who=part.name,
        message=one_line(
            fault.message if fault.answer == "wrong" else f"not understood: {fault.message}"
        ),
        cause=one_line(fault.cause or ""),
        fix=one_line(fault.fix or ""),
        file=part.file,
        line=part.line,
    )


def of_page(page: Page) -> list[Alert]:
    """Return what `rotcheck compare` or `preflight` found."""
    return [
        *_of_cells(page),
        *_not_understood(page),
        *(alert for found in page.checks for alert in of_check(found)),
    ]


def _of_cells(page: Page) -> Iterator[Alert]:
    for finding in findings.findings(page.found, page.broken):
        cell = finding.worst
        file, line = page.places.get(cell.implementation) or (None, None)
        yield Alert(
            rule=cell.failure or cell.check,
            level="error",
            who=one_line(cell.implementation),
            message=one_line(f"{finding.reason or cell.message or cell.verdict} ({finding.where})"),
            cause=one_line(cell.cause or ""),
            fix=one_line(cell.fix or ""),
            file=file,
            line=line,
        )


def _not_understood(page: Page) -> Iterator[Alert]:
    """Yield once what neither agrees nor is a finding, and did not fail to be here either."""
    told: set[str] = set()
    for cell in page.found.cells:
        if cell.verdict in DECIDED or cell.implementation in told:
            continue
        told.add(cell.implementation)
        file, line = page.places.get(cell.implementation) or (None, None)
        yield Alert(
            rule=cell.verdict,
            level="warning",
            who=one_line(cell.implementation),
            message=one_line(f"not understood: {cell.message}"),
            fix=one_line(cell.fix or ""),
            file=file,
            line=line,
        )


def of_scan(found: Scan) -> list[Alert]:
    """Return what `rotcheck scan` found; a line in a notebook's cell is no line of its file."""
    return [_of_hazard(hazard) for hazard in found.hazards]


def _of_hazard(hazard: Hazard) -> Alert:
    inside = hazard.cell is not None
    return Alert(
        rule=hazard.code,
        level="warning",
        who=one_line(hazard.where or hazard.file),
        message=one_line(
            f"{scanned.place(hazard)}: {hazard.message}" if inside else hazard.message
        ),
        fix=one_line(hazard.change),
        file=hazard.file,
        line=None if inside else hazard.line,
        column=None if inside else hazard.column,
        end_line=None if inside else hazard.end_line,
        title=rules()[hazard.code].TITLE,
    )


def headline(found: Check | Page | Scan) -> str:
    """Return the one line above all alerts; empty where the caller put none there."""
    if isinstance(found, Scan):
        return scanned.headline(found)
    if isinstance(found, Page):
        return one_line(found.headline)
    return checked.headline(found)
