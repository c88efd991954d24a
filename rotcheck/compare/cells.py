"""From what became of a task to its cell: the verdict, and the cause and fix of what is wrong."""

from typing import Any, TypeGuard

import msgspec

from rotcheck import diagnose
from rotcheck.implementations.spec import GIVEN
from rotcheck.isolation import CONNECTION_LOST, Died, Done, OverMemory, Raised, Returned, TimedOut
from rotcheck.isolation.traces import of_exception
from rotcheck.measure.evidence import Evidence
from rotcheck.measure.judge import judge, note, shown_error
from rotcheck.probe.devices import STAND_INS
from rotcheck.results import FINDINGS, Cell, Verdict

_OUR_FAULT = "rotcheck could not judge this: a torch mode was left entered, or a bug of rotcheck, to be reported"
_MISFITS = {
    "AssertionError",
    "IndexError",
    "RuntimeError",
    "TypeError",
    "ValueError",
}  # of another form, perhaps
_FAULTS = {"SIGABRT": "abort"} | dict.fromkeys(
    ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS"), "segfault"
)  # every other signal was sent by somebody: "killed"


def cell_of(done: Done, implementation: str, evidence: Evidence | None) -> Cell:
    """Return the cell of one finished task; `evidence` where the task came back with some."""
    dtype, check = done.task
    found = _answered(evidence, implementation) if evidence else _failed(done)
    return _cell(found, implementation, done.job.setup["device"], dtype, check)


def answered(evidence: Evidence, implementation: str, device: str, dtype: str, check: str) -> Cell:
    """Return the cell of evidence that was gathered in this process."""
    return _cell(_answered(evidence, implementation), implementation, device, dtype, check)


def raised(error: Exception, implementation: str, device: str, dtype: str, check: str) -> Cell:
    """Return the cell of a function that raised in this process."""
    text = f"{type(error).__name__}: {error}"
    known = diagnose.match(text, rotary=True) or diagnose.for_finding("raised")
    found = {"verdict": "raises", "message": text, "trace": of_exception(error), "known": known}
    return _cell(found, implementation, device, dtype, check)


def _cell(found: dict[str, Any], implementation: str, device: str, dtype: str, check: str) -> Cell:
    failure: diagnose.Failure | None = found.pop("known")
    return Cell(
        implementation=implementation,
        device=device,
        dtype=dtype,
        check=check,
        stand_in=device in STAND_INS,
        failure=failure.id if failure else None,
        cause=failure.cause if failure else None,
        **{"fix": failure.fix if failure else None, **found},
    )


def evidence_of(done: Done) -> Evidence | None:
    """Return the evidence that came back, if the task did."""
    return (
        msgspec.convert(done.outcome.value, Evidence)
        if isinstance(done.outcome, Returned)
        else None
    )


def _answered(evidence: Evidence, implementation: str) -> dict[str, Any]:
    verdict = judge(evidence)
    known = (
        diagnose.for_finding(evidence.finding) if evidence.finding and verdict in FINDINGS else None
    )
    return {
        "verdict": verdict,
        "applies": evidence.applies,
        "error": shown_error(evidence),
        "path": evidence.path or (implementation if evidence.state == "ran" else None),
        "seconds": evidence.seconds,
        "message": evidence.message,
        "note": note(evidence) if verdict == "agrees" else None,
        "where": evidence.where,
        "correctly_rounded": evidence.correctly_rounded,
        "not_finite": evidence.not_finite,
        "known": known,
        **({"fix": evidence.advice} if evidence.advice else {}),
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
        "known": diagnose.match(text, rotary=True) or diagnose.for_finding(code),
    }


def _message(done: Done) -> str:
    """Return what happened, where it happened if that was not the check itself, and what was asked."""
    outcome = done.outcome
    if _is_of_another_signature(outcome):
        return outcome.message
    if isinstance(outcome, Raised) and outcome.during:
        return f"{outcome} (in `{outcome.during}`)"
    if done.opening and not getattr(outcome, "during", ""):
        return f"{outcome} while it was imported and loaded"
    called = done.job.setup.get("called")
    if isinstance(outcome, Raised) and called and outcome.kind in _MISFITS:
        return f"{outcome} (it is called as {called})"
    last = outcome.output if isinstance(outcome, Died) else ""
    return f"{outcome}; its last words: {last}" if last else str(outcome)


def _is_of_another_signature(outcome: object) -> TypeGuard[Raised]:
    return isinstance(outcome, Raised) and outcome.kind.endswith(".SignatureChanged")


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
        case Raised() as raised if _is_of_another_signature(raised):
            return "raises", "signature-changed"
        case Raised():
            return "raises", "import" if done.opening else "raised"
    raise AssertionError(f"{done.outcome} is no way to fail")
