"""Holds a policy against the cells of a report."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from rotcheck.check import plan
from rotcheck.exit_codes import FINDING, INTERRUPT, NOTHING_RAN, RIGHT
from rotcheck.identify.worker_setup import makes_tables
from rotcheck.implementations.spec import shell_word
from rotcheck.preflight import files
from rotcheck.preflight.policy import Policy, alike
from rotcheck.report.pages.comparison import Comparison
from rotcheck.report.text import one_line, plural
from rotcheck.results import FINDINGS, UNIDENTIFIED, Cell, Check, Report

SCHEMA = "rotcheck/preflight/1"
Place = tuple[str, int | None]
MEASURE = "name its file under `files` of the policy, or itself under `makers`, and it is measured"
MOST_NAMES = 3  # so many culprits are named in the one line


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A cell that does not hold, and why."""

    implementation: str
    device: str
    dtype: str
    check: str
    verdict: str
    reason: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the job may start, and what that rests on."""

    schema: str = SCHEMA
    may_start: bool
    reason: str
    policy: Policy
    violations: tuple[Violation, ...]
    report: Report
    checks: tuple[Check, ...] = ()  # of its files and makers, on each device
    advice: tuple[str, ...] = ()  # what to run next, as commands

    def exit_code(self) -> int:
        """The exit code, as in `rotcheck.exit_codes`."""
        if _is_interrupted(self.report, self.checks):
            return INTERRUPT
        if not _ran(self.report) and not any(check.answer for check in self.checks):
            return NOTHING_RAN
        return RIGHT if self.may_start else FINDING

    def page(self, places: Mapping[str, Place] | None = None) -> Comparison:
        """The page to draw; `places`: file and line of each implementation."""
        self_explaining = (*FINDINGS, UNIDENTIFIED)  # without our help
        reasons = {
            _place(violation): violation.reason
            for violation in self.violations
            if violation.verdict not in self_explaining
        }
        cells = ((cell, reasons.get(_place(cell))) for cell in self.report.cells)
        return Comparison(
            self.report,
            headline=self.headline(),
            holds=self.may_start,
            violations=tuple((cell, reason) for cell, reason in cells if reason),
            checks=self.checks,
            places=places or {},
            advice=self.advice,
            decision=self,
        )

    def headline(self) -> str:
        """The decision in one line."""
        word = "may" if self.may_start else "must not"
        mark = " -" if self.may_start else ":"
        return f"rotcheck preflight: this job {word} start{mark} {self.reason} (policy: {self.policy.source})"


def decide(policy: Policy, report: Report, checks: Sequence[Check] = ()) -> Decision:
    """Hold the report, and the checks of files, against the policy.

    Every finding violates it, and so does what was not identified. A cell that did not run violates
    it too, unless the policy excuses its implementation or its device, or a stand-in cannot answer
    its question by nature (values on meta), or a function cannot be asked it (fewer heads in k of
    one that takes packed qkv).
    """
    makers = [found.specification for found in report.conventions if makes_tables(found)]
    parts = [part.name for check in checks for part in check.parts]
    violations = tuple(
        _violation(cell, is_maker=_is_one_of(makers, cell))
        for cell in report.cells
        if _violates(policy, cell) and not (_is_one_of(makers, cell) and _is_one_of(parts, cell))
    )
    bad = files.bad(policy, checks)
    ran = _ran(report) or any(check.answer for check in checks)
    may = not violations and not bad and not _is_interrupted(report, checks) and ran
    return Decision(
        may_start=may,
        reason=_reason_of_all(report, violations, checks, bad),
        policy=policy.public(),
        violations=(*violations, *(violation for check in bad for violation in _of_check(check))),
        report=report,
        checks=tuple(checks),
        advice=tuple(_advice(policy, violations)),
    )


def _is_interrupted(report: Report, checks: Sequence[Check]) -> bool:
    return report.interrupted or any(check.interrupted for check in checks)


def _of_check(check: Check) -> Iterator[Violation]:
    """Yield what does not hold of a check: each fault, or that there was nothing to check."""
    where = {"device": check.device, "dtype": ", ".join(check.dtypes)}
    for part in check.parts:
        for fault in part.faults:
            yield Violation(
                implementation=part.name,
                check=fault.rule,
                verdict=fault.answer,
                reason=fault.message,
                **where,
            )
    if check.answer is None:
        name = ", ".join(check.asked)
        yield Violation(
            implementation=name, check="check", verdict="nothing", reason=check.headline, **where
        )


def _reason_of_all(
    report: Report, violations: Sequence[Violation], checks: Sequence[Check], bad: Sequence[Check]
) -> str:
    """What the decision rests on: of the cells, and of the files that are not right, else of all
    files."""
    reasons = [files.reason(check) for check in bad or checks]
    cells = (
        [_reason(report, violations)]
        if violations or report.interrupted or (report.cells and not bad)
        else []
    )
    return one_line("; ".join([*cells, *reasons])) if reasons else _reason(report, violations)


def _advice(policy: Policy, violations: Sequence[Violation]) -> list[str]:
    """The command that runs the first violation again, by itself."""
    for violation in violations[:1]:
        matches = (name for name in policy.implementations if alike(name, violation.implementation))
        name = plan.short_path(next(matches, violation.implementation))
        cell = f"--device {violation.device} --dtype {violation.dtype} --check {violation.check}"
        return [
            f"`rotcheck compare {shell_word(name)} {cell}`: the first that does not hold, by itself"
        ]
    return []


def _violates(policy: Policy, cell: Cell) -> bool:
    if cell.verdict in (*FINDINGS, UNIDENTIFIED):
        return True
    if cell.verdict == "agrees" or policy.excuses(cell.implementation, cell.device):
        return False
    return not (cell.verdict == "skipped" and (cell.stand_in or not cell.applies))


def _is_one_of(names: Sequence[str], cell: Cell) -> bool:
    """Whether a cell was skipped, and its implementation has one of these names."""
    return cell.verdict == "skipped" and any(alike(name, cell.implementation) for name in names)


def _violation(cell: Cell, *, is_maker: bool) -> Violation:
    reason = cell.message or cell.verdict
    if cell.verdict == UNIDENTIFIED:
        reason = f"not identified: {reason}; {cell.fix}"
    elif cell.verdict not in FINDINGS:
        excuse = MEASURE if is_maker else "the policy does not list it under may-be-unavailable"
        reason = f"{cell.verdict}: {reason}; {excuse}"
    return Violation(
        implementation=cell.implementation,
        device=cell.device,
        dtype=cell.dtype,
        check=cell.check,
        verdict=cell.verdict,
        reason=reason,
    )


def _reason(report: Report, violations: Sequence[Violation]) -> str:
    total = len(report.cells)
    if report.interrupted:
        return f"interrupted after {total} of {plural(max(report.planned, total), 'cell')}"
    if violations:
        verb = "does" if len(violations) == 1 else "do"
        count = f"{len(violations)} of {plural(total, 'cell')}"
        return f"{count} {verb} not hold: {_culprits(violations)}"
    agreeing = [cell for cell in report.cells if cell.verdict == "agrees"]
    if not agreeing:
        return "nothing ran"
    devices = ", ".join(dict.fromkeys(cell.device for cell in agreeing))
    verb = "agrees" if len(agreeing) == 1 else "agree"
    rest = f", {total - len(agreeing)} did not run and need not" if total > len(agreeing) else ""
    return f"{plural(len(agreeing), 'cell')} {verb} on {devices}{rest}"


def _culprits(violations: Sequence[Violation]) -> str:
    names = (f"{violation.implementation} on {violation.device}" for violation in violations)
    culprits = list(dict.fromkeys(names))
    more = f" and {len(culprits) - MOST_NAMES} more" if len(culprits) > MOST_NAMES else ""
    return one_line(", ".join(culprits[:MOST_NAMES]) + more)


def _ran(report: Report) -> bool:
    verdicts = ("agrees", *FINDINGS, UNIDENTIFIED)
    return any(cell.verdict in verdicts for cell in report.cells)


def _place(result: Cell | Violation) -> tuple[str, str, str, str]:
    return result.implementation, result.device, result.dtype, result.check
