"""Holds a policy against the cells of a report."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from rotcheck.check import plan
from rotcheck.exit_codes import FINDING, INTERRUPT, NOTHING_RAN, RIGHT
from rotcheck.identify.telling.next_step import quoted
from rotcheck.identify.worker_setup import MAKER
from rotcheck.preflight import files
from rotcheck.preflight.policy import Policy, alike
from rotcheck.report.pages.report import Comparison
from rotcheck.report.text import one_line, plural
from rotcheck.results import FINDINGS, UNIDENTIFIED, Cell, Check, Report

SCHEMA = "rotcheck/preflight/1"
Place = tuple[str, int | None]
MEASURE = "name its file under `files` of the policy, or itself under `makers`, and it is measured"
NAMED = 3  # so many culprits are named in the one line


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
        """Return the exit code of the contract."""
        if _interrupted(self.report, self.checks):
            return INTERRUPT
        if not _ran(self.report) and not any(one.answer for one in self.checks):
            return NOTHING_RAN
        return RIGHT if self.may_start else FINDING

    def page(self, places: Mapping[str, Place] | None = None) -> Comparison:
        """Return what the formats of `report/` show of it; `places`: file and line of each implementation."""
        explained = (*FINDINGS, UNIDENTIFIED)  # without our help
        broken = {
            _place(each): each.reason for each in self.violations if each.verdict not in explained
        }
        cells = ((cell, broken.get(_place(cell))) for cell in self.report.cells)
        return Comparison(
            self.report,
            headline=self.headline(),
            holds=self.may_start,
            broken=tuple((cell, reason) for cell, reason in cells if reason),
            checks=self.checks,
            places=places or {},
            advice=self.advice,
            decision=self,
        )

    def headline(self) -> str:
        """Return the decision in one line."""
        word = "may" if self.may_start else "must not"
        mark = " -" if self.may_start else ":"
        return f"rotcheck preflight: this job {word} start{mark} {self.reason} (policy: {self.policy.source})"


def decide(policy: Policy, report: Report, checks: Sequence[Check] = ()) -> Decision:
    """Return whether the report, and the checks of files, satisfy the policy.

    Every finding violates it, and so does what was not identified. A cell that did not run violates it too, unless the
    policy excuses its implementation or its device, or a stand-in cannot answer its question by nature (values on
    meta), or a function cannot be asked it (fewer heads in k of one that takes packed qkv).
    """
    parts = [part.name for one in checks for part in one.parts]
    violations = tuple(
        _violation(cell)
        for cell in report.cells
        if _violates(policy, cell) and not _measured(cell, parts)
    )
    bad = files.bad(policy, checks)
    ran = _ran(report) or any(one.answer for one in checks)
    may = not violations and not bad and not _interrupted(report, checks) and ran
    return Decision(
        may_start=may,
        reason=_reason_of_all(report, violations, checks, bad),
        policy=policy.public(),
        violations=(*violations, *(each for one in bad for each in _of_check(one))),
        report=report,
        checks=tuple(checks),
        advice=tuple(_advice(policy, violations)),
    )


def _interrupted(report: Report, checks: Sequence[Check]) -> bool:
    return report.interrupted or any(one.interrupted for one in checks)


def _of_check(found: Check) -> Iterator[Violation]:
    """Yield what does not hold of a check: each fault, or that there was nothing to check."""
    where = {"device": found.device, "dtype": ", ".join(found.dtypes)}
    for part in found.parts:
        for fault in part.faults:
            yield Violation(
                implementation=part.name,
                check=fault.rule,
                verdict=fault.answer,
                reason=fault.message,
                **where,
            )
    if found.answer is None:
        name = ", ".join(found.asked)
        yield Violation(
            implementation=name, check="check", verdict="nothing", reason=found.headline, **where
        )


def _reason_of_all(
    report: Report, violations: Sequence[Violation], checks: Sequence[Check], bad: Sequence[Check]
) -> str:
    """Return what the decision rests on: of the cells, and of the files that are not right, else of all files."""
    told = [files.reason(one) for one in bad or checks]
    cells = (
        [_reason(report, violations)]
        if violations or report.interrupted or (report.cells and not bad)
        else []
    )
    return one_line("; ".join([*cells, *told])) if told else _reason(report, violations)


def _advice(policy: Policy, violations: Sequence[Violation]) -> list[str]:
    """Return the command that runs what does not hold once more, for whoever wants to mend it."""
    for each in violations[:1]:
        known = (name for name in policy.implementations if alike(name, each.implementation))
        name = plan.shown(next(known, each.implementation))
        cell = f"--device {each.device} --dtype {each.dtype} --check {each.check}"
        return [
            f"`rotcheck compare {quoted(name)} {cell}`: the first that does not hold, by itself"
        ]
    return []


def _violates(policy: Policy, cell: Cell) -> bool:
    if cell.verdict in (*FINDINGS, UNIDENTIFIED):
        return True
    if cell.verdict == "agrees" or policy.excuses(cell.implementation, cell.device):
        return False
    return not (cell.verdict == "skipped" and (cell.stand_in or not cell.applies))


def _measured(cell: Cell, parts: Sequence[str]) -> bool:
    """Return whether it is of a maker of tables, which no cell judges, and among what was checked beside."""
    maker = cell.verdict == "skipped" and cell.message == MAKER
    return maker and any(alike(part, cell.implementation) for part in parts)


def _violation(cell: Cell) -> Violation:
    said = cell.message or cell.verdict
    if cell.verdict == UNIDENTIFIED:
        said = f"not identified: {said}; {cell.fix}"
    surely = cell.verdict in (*FINDINGS, UNIDENTIFIED)
    listed = (
        MEASURE if cell.message == MAKER else "the policy does not list it under may-be-unavailable"
    )
    excusable = "" if surely else f"; {listed}"
    return Violation(
        implementation=cell.implementation,
        device=cell.device,
        dtype=cell.dtype,
        check=cell.check,
        verdict=cell.verdict,
        reason=f"{cell.verdict}: {said}{excusable}" if excusable else said,
    )


def _reason(report: Report, violations: Sequence[Violation]) -> str:
    total = len(report.cells)
    if report.interrupted:
        return f"interrupted after {total} of {plural(max(report.planned, total), 'cell')}"
    if violations:
        verb = "does" if len(violations) == 1 else "do"
        return f"{len(violations)} of {plural(total, 'cell')} {verb} not hold: {_who(violations)}"
    agreeing = [cell for cell in report.cells if cell.verdict == "agrees"]
    if not agreeing:
        return "nothing ran"
    devices = ", ".join(dict.fromkeys(cell.device for cell in agreeing))
    verb = "agrees" if len(agreeing) == 1 else "agree"
    others = f", {total - len(agreeing)} did not run and need not" if total > len(agreeing) else ""
    return f"{plural(len(agreeing), 'cell')} {verb} on {devices}{others}"


def _who(violations: Sequence[Violation]) -> str:
    who = list(dict.fromkeys(f"{each.implementation} on {each.device}" for each in violations))
    more = f" and {len(who) - NAMED} more" if len(who) > NAMED else ""
    return one_line(", ".join(who[:NAMED]) + more)


def _ran(report: Report) -> bool:
    told = ("agrees", *FINDINGS, UNIDENTIFIED)
    return any(cell.verdict in told for cell in report.cells)


def _place(each: Cell | Violation) -> tuple[str, str, str, str]:
    return each.implementation, each.device, each.dtype, each.check
