"""From what became of a task to its cell: the verdict, and the cause and fix of what is wrong."""

from typing import Any

import msgspec

from rotcheck import diagnose
from rotcheck.compare.evidence import Evidence
from rotcheck.compare.judge import judge, note, shown_error
from rotcheck.isolation import Died, Done, OverMemory, Raised, Returned, TimedOut
from rotcheck.results import FINDINGS, Cell, Verdict

_FAULTS = {"SIGABRT": "abort"} | dict.fromkeys(
    ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS"), "segfault"
)  # every other signal was sent by somebody: "killed"


def cell_of(done: Done, implementation: str, evidence: Evidence | None) -> Cell:
    """Return the cell of one finished task; `evidence` where the task came back with some."""
    device = done.job.setup["device"]
    dtype, check = done.task
    found = _answered(evidence, implementation) if evidence else _failed(done)
    failure: diagnose.Failure | None = found.pop("known")
    return Cell(
        implementation=implementation,
        device=device,
        dtype=dtype,
        check=check,
        stand_in=device in ("meta", "interpreter"),
        failure=failure.id if failure else None,
        cause=failure.cause if failure else None,
        fix=failure.fix if failure else None,
        **found,
    )


def evidence_of(done: Done) -> Evidence | None:
    """Return the evidence that came back, if the task did."""
    return msgspec.convert(done.outcome.value, Evidence) if isinstance(done.outcome, Returned) else None


def _answered(evidence: Evidence, implementation: str) -> dict[str, Any]:
    verdict = judge(evidence)
    known = diagnose.for_finding(evidence.finding) if evidence.finding and verdict in FINDINGS else None
    return {
        "verdict": verdict,
        "error": shown_error(evidence),
        "path": evidence.path or (implementation if evidence.state == "ran" else None),
        "seconds": evidence.seconds,
        "message": evidence.message,
        "note": note(evidence) if verdict == "agrees" else None,
        "where": evidence.where,
        "correctly_rounded": evidence.correctly_rounded,
        "not_finite": evidence.not_finite,
        "known": known,
    }


def _failed(done: Done) -> dict[str, Any]:
    outcome = done.outcome
    verdict, code = _end(done)
    text = f"{outcome}\n{outcome.output}" if isinstance(outcome, Died) else str(outcome)
    during = (
        " while it was imported and loaded" if done.opening and not getattr(outcome, "during", "") else ""
    )
    last = f"; its last words: {outcome.output}" if isinstance(outcome, Died) and outcome.output else ""
    return {
        "verdict": verdict,
        "message": f"{outcome}{during}{last}",
        "trace": getattr(outcome, "trace", ()),
        "known": diagnose.match(text) or diagnose.for_finding(code),
    }


def _end(done: Done) -> tuple[Verdict, str]:
    """Return the verdict of a task that did not come back, and the code of its finding."""
    match done.outcome:
        case TimedOut():
            return "hangs", "hangs"
        case OverMemory():
            return "crashes", "memory"
        case Died(status=status) as died if status < 0:
            return "crashes", _FAULTS.get(died.signal_name or "", "killed")
        case Died():
            return "crashes", "exit"
        case Raised():
            return "raises", "import" if done.opening else "raised"
    raise AssertionError(f"{done.outcome} is no way to fail")
