"""From what became of a task to its cell: the verdict, and the cause and fix of what is wrong."""

from typing import Any

import msgspec

from rotcheck import diagnose
from rotcheck.measure.evidence import Evidence
from rotcheck.measure.judge import judge, note, shown_error
from rotcheck.implementations.registry import GIVEN
from rotcheck.isolation import CONNECTION_LOST, Died, Done, OverMemory, Raised, Returned, TimedOut
from rotcheck.results import FINDINGS, Cell, Verdict

_OUR_FAULT = (
    "rotcheck could not judge this: a torch mode was left entered, or a bug of rotcheck, to be reported"
)
_MISFITS = {
    "AssertionError",
    "IndexError",
    "RuntimeError",
    "TypeError",
    "ValueError",
}  # of another form, perhaps
_CALLED = "it is called as f(qkv, cos, sin) with qkv (B, S, 3, H, D), cos and sin (1, S, 3, 1, D)"
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
    if isinstance(outcome, Raised) and outcome.kind.endswith(".JudgingFailed"):
        return {
            "verdict": "raises",
            "message": f"{_OUR_FAULT}: {outcome.message}",
            "trace": outcome.trace,
            "known": None,
        }
    verdict, code = _end(done)
    text = f"{outcome}\n{outcome.output}" if isinstance(outcome, Died) else str(outcome)
    return {
        "verdict": verdict,
        "message": _message(done).replace(GIVEN, ""),
        "trace": getattr(outcome, "trace", ()),
        "known": diagnose.match(text) or diagnose.for_finding(code),
    }


def _message(done: Done) -> str:
    """Return what happened, where it happened if that was not the check itself, and what was asked."""
    outcome = done.outcome
    if isinstance(outcome, Raised) and outcome.during:
        return f"{outcome} (in `{outcome.during}`)"
    if done.opening and not getattr(outcome, "during", ""):
        return f"{outcome} while it was imported and loaded"
    if isinstance(outcome, Raised) and ":" in done.job.setup["implementation"] and outcome.kind in _MISFITS:
        return f"{outcome} ({_CALLED})"
    last = outcome.output if isinstance(outcome, Died) else ""
    return f"{outcome}; its last words: {last}" if last else str(outcome)


def _end(done: Done) -> tuple[Verdict, str]:
    """Return the verdict of a task that did not come back, and the code of its finding."""
    match done.outcome:
        case TimedOut():
            return "hangs", "hangs"
        case OverMemory():
            return "crashes", "memory"
        case Died(status=status) as died if status < 0:
            return "crashes", _FAULTS.get(died.signal_name or "", "killed")
        case Died(status=status):
            return "crashes", "closed-descriptors" if status == CONNECTION_LOST else "exit"
        case Raised(during=during) if during:
            return "raises", "torch-import"
        case Raised():
            return "raises", "import" if done.opening else "raised"
    raise AssertionError(f"{done.outcome} is no way to fail")
