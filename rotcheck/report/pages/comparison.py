"""A comparison: the matrix, each distinct finding, the notes and reasons, and the summary."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rotcheck.exit_codes import NOTHING_RAN
from rotcheck.grouping import group_by
from rotcheck.report import conventions, findings, matrix, pairwise, summary, unidentified
from rotcheck.report.affected_places import device_name
from rotcheck.report.alerts import Alert, Alerts, Level
from rotcheck.report.ci_suites import Outcome, Suite, SuiteCase, gate
from rotcheck.report.document import Document, Heading, Lines, Part, Summary, Tone, listing
from rotcheck.report.findings import CellFinding
from rotcheck.report.pages import check
from rotcheck.report.text import figure, one_line
from rotcheck.results import FINDINGS, Cell, Check, Report, Result, Verdict, exit_code

WORD = "a report"
RESULT = Report

NO_WARNING = ("agrees", "unavailable", "skipped", *FINDINGS)
OUTCOMES: dict[Verdict, Outcome] = {
    "disagrees": "failure",
    "raises": "failure",
    "crashes": "error",
    "hangs": "error",
    "unavailable": "skipped",
    "skipped": "skipped",
    "unidentified": "error",  # no failure of the function, and no success
}
TONES: dict[bool | None, Tone] = {True: "good", False: "bad", None: "plain"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A report, and what the caller puts around it."""

    report: Report
    headline: str = ""  # one line above everything
    holds: bool | None = None  # whether what was asked for holds; None: nothing was asked
    # cells that do not hold although they are no finding, and why
    violations: tuple[tuple[Cell, str], ...] = ()
    checks: tuple[Check, ...] = ()  # files that were checked beside
    # file and line of a function
    places: Mapping[str, tuple[str, int | None]] = field(default_factory=dict)
    advice: tuple[str, ...] = ()  # what to do next: commands
    decision: Result | None = None  # that was made by it, and which programs read in its place

    def exit_code(self) -> int:
        """That of the decision, else of the report."""
        return (self.decision or self.report).exit_code()


def data(comparison: Comparison) -> object:
    """The report, or the decision that was made by it."""
    return comparison.decision or comparison.report


def document(comparison: Comparison) -> Document:
    """What was compared, and what the caller decides by it."""
    return Document(tuple(_parts(comparison)), "rotcheck compare")


def _parts(comparison: Comparison) -> Iterator[Part]:
    report = comparison.report
    if comparison.headline:
        yield Heading(one_line(comparison.headline), TONES[comparison.holds])
    machine = summary.machine_lines(report.machine, report.rotcheck)
    yield Lines([*machine, *conventions.lines(report), *findings.paths(report.cells)])
    if report.cells:
        yield matrix.table(report)
    yield from findings.parts(findings.findings(report.cells, comparison.violations))
    yield from unidentified.parts(report.cells, report.conventions)
    yield from pairwise.section(report)
    yield from findings.worth_knowing(report.cells, conventions.remarks(report))
    yield from findings.not_run(report.cells)
    if report.cells or not comparison.checks:
        yield Summary(summary.summary_line(report))
    for result in comparison.checks:
        yield from check.parts(result)
    yield from listing("Next", comparison.advice)


def alerts(comparison: Comparison) -> Alerts:
    """Each finding, what was not understood, and what is wrong in the files beside."""
    return Alerts(
        one_line(comparison.headline) or summary.summary_line(comparison.report),
        [
            *_of_findings(comparison),
            *_not_understood(comparison),
            *(alert for result in comparison.checks for alert in check.alerts(result).alerts),
        ],
        complete=not comparison.report.interrupted,
    )


def _of_findings(comparison: Comparison) -> Iterator[Alert]:
    for finding in findings.findings(comparison.report.cells, comparison.violations):
        cell = finding.worst
        message = f"{finding.reason or cell.message or cell.verdict} ({finding.where})"
        yield _alert(comparison, cell, cell.failure or cell.check, "error", message)


def _not_understood(comparison: Comparison) -> Iterator[Alert]:
    """What neither agrees nor is a finding, and did not fail to be here either:
    one for each function."""
    cells = {
        cell.implementation: cell
        for cell in reversed(comparison.report.cells)
        if cell.verdict not in NO_WARNING
    }
    for cell in reversed(cells.values()):
        yield _alert(comparison, cell, cell.verdict, "warning", f"not understood: {cell.message}")


def _alert(comparison: Comparison, cell: Cell, rule: str, level: Level, message: str) -> Alert:
    file, line = comparison.places.get(cell.implementation) or (None, None)
    return Alert(
        rule=rule,
        level=level,
        subject=one_line(cell.implementation),
        message=one_line(message),
        cause=one_line(cell.cause or ""),
        fix=one_line(cell.fix or ""),
        file=file,
        line=line,
    )


def suites(comparison: Comparison) -> Iterator[Suite]:
    """A suite for each implementation on each device;
    what does not hold is a failure too, though it is no finding."""
    report = comparison.report
    reasons = {_key(cell): reason for cell, reason in comparison.violations}
    if comparison.holds is not None:
        reason = "" if comparison.holds else comparison.headline
        yield gate("preflight", "the job may start", reason, "failure")
    groups = group_by(report.cells, lambda cell: f"{cell.implementation} on {device_name(cell)}")
    for name, cells in groups.items():
        yield Suite(name, [_case(cell, reasons.get(_key(cell), "")) for cell in cells])
    for result in comparison.checks:
        yield from check.suites(result)
    nothing = exit_code(report.cells) == NOTHING_RAN and not comparison.checks
    if report.interrupted or nothing:  # cases that were skipped alone would pass for success
        yield gate("rotcheck", "finished", summary.summary_line(report), "error")


def _case(cell: Cell, reason: str) -> SuiteCase:
    outcome: Outcome | None = "failure" if reason else OUTCOMES.get(cell.verdict)
    where = f"{device_name(cell)}: {cell.dtype} ({cell.check})"
    details = findings.details(CellFinding((cell,), where, reason))
    return SuiteCase(
        group=f"{cell.implementation}.{cell.device}",
        name=f"{cell.dtype} {cell.check}",
        outcome=outcome,
        message=reason or cell.message or cell.verdict,
        kind=cell.verdict,
        text="\n".join([f"where: {where}", *map(str, details)]),
        output=_output(cell) if cell.verdict == "agrees" else None,
        seconds=cell.seconds or 0.0,
    )


def _output(cell: Cell) -> str:
    error = f"error {figure(cell.error)}" if cell.error is not None else ""
    path = f"path {cell.path}" if cell.path else ""
    return ", ".join(filter(None, [error, path, cell.note]))


def _key(cell: Cell) -> tuple[str, str, str, str]:
    return cell.implementation, cell.device, cell.dtype, cell.check
