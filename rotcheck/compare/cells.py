"""From what became of a task to its cell: the verdict, and the cause and fix of what is wrong."""

from typing import Any, TypeGuard

import msgspec

from rotcheck import diagnose
from rotcheck.implementations.spec import MODULE_PREFIX
from rotcheck.isolation import CONNECTION_LOST, Died, Done, OverMemory, Raised, Returned, TimedOut
from rotcheck.isolation.traces import of_exception
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.judge import judge, note, shown_error
from rotcheck.probe.devices import STAND_INS
from rotcheck.results import FINDINGS, Cell, Verdict

_OUR_FAULT = "rotcheck could not judge this: a torch mode was left active, or this is a rotcheck bug (please report)"
# raised where the call is perhaps of another form
_MISFITS = {"AssertionError", "IndexError", "RuntimeError", "TypeError", "ValueError"}
# every other signal was sent by somebody: "killed"
_FAULTS = {"SIGABRT": "abort"} | dict.fromkeys(
    ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS"), "segfault"
)


def cell_of(result: Done, implementation: str, evidence: Evidence | None) -> Cell:
    """The cell of a task; `evidence`: what came back, if the task did."""
    place = (implementation, result.job.setup["device"], *result.task)
    return (
        cell_of_evidence(evidence, *place)
        if evidence
        else cell(*place, **fields_of_failure(result))
    )


def cell_of_evidence(
    evidence: Evidence, implementation: str, device: str, dtype: str, check: str
) -> Cell:
    """The cell of evidence that was gathered in this process."""
    return cell(implementation, device, dtype, check, **_of_evidence(evidence, implementation))


def cell_of_exception(
    error: Exception, implementation: str, device: str, dtype: str, check: str
) -> Cell:
    """The cell of a function that raised in this process."""
    text = f"{type(error).__name__}: {error}"
    fields = {"verdict": "raises", "message": text, "trace": of_exception(error)}
    return cell(implementation, device, dtype, check, **fields, **_knowledge(text, "raised"))


def cell(implementation: str, device: str, dtype: str, check: str, **fields: Any) -> Cell:
    """The cell at a place, with these further fields."""
    return Cell(
        implementation=implementation,
        device=device,
        dtype=dtype,
        check=check,
        stand_in=device in STAND_INS,
        **fields,
    )


def _knowledge(text: str, code: str) -> dict[str, Any]:
    """Cause and fix of a message, else of the finding of this code, as fields of a cell."""
    failure = diagnose.match(text, rotary=True) or diagnose.for_finding(code)
    return diagnose.fields_of(failure)


def evidence_of(result: Done) -> Evidence | None:
    """The evidence that came back, if the task did."""
    if isinstance(result.outcome, Returned):
        return msgspec.convert(result.outcome.value, Evidence)
    return None


def _of_evidence(evidence: Evidence, implementation: str) -> dict[str, Any]:
    verdict = judge(evidence)
    code = evidence.finding if verdict in FINDINGS else None
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
        **diagnose.fields_of(diagnose.for_finding(code) if code else None),
        **({"fix": evidence.advice} if evidence.advice else {}),
    }


def fields_of_failure(result: Done) -> dict[str, Any]:
    """The verdict, message, trace, cause and fix of a task that did not come back."""
    outcome = result.outcome
    if isinstance(outcome, Raised) and outcome.kind.endswith(".JudgingError"):
        return {
            "verdict": "raises",
            "message": f"{_OUR_FAULT}: {outcome.message}",
            "trace": outcome.trace,
        }
    verdict, code = _end(result)
    text = f"{outcome}\n{outcome.output}" if isinstance(outcome, Died) else str(outcome)
    return {
        "verdict": verdict,
        "message": _message(result).replace(MODULE_PREFIX, ""),
        "trace": getattr(outcome, "trace", ()),
        **_knowledge(text, code),
    }


def _message(result: Done) -> str:
    """What happened; where, if that was not the check itself; and how the function was called."""
    outcome = result.outcome
    if _is_of_another_signature(outcome):
        return outcome.message
    if isinstance(outcome, Raised) and outcome.during:
        return f"{outcome} (in `{outcome.during}`)"
    if result.opening and not getattr(outcome, "during", ""):
        return f"{outcome} while it was imported and loaded"
    call_text = result.job.setup.get("called")
    if isinstance(outcome, Raised) and call_text and outcome.kind in _MISFITS:
        return f"{outcome} (it is called as {call_text})"
    last = outcome.output if isinstance(outcome, Died) else ""
    return f"{outcome}; last output: {last}" if last else str(outcome)


def _is_of_another_signature(outcome: object) -> TypeGuard[Raised]:
    return isinstance(outcome, Raised) and outcome.kind.endswith(".SignatureChanged")


def _end(result: Done) -> tuple[Verdict, str]:
    """The verdict of a task that did not come back, and the code of its finding."""
    match result.outcome:
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
        case Raised() as error if _is_of_another_signature(error):
            return "raises", "signature-changed"
        case Raised():
            return "raises", "import" if result.opening else "raised"
    raise AssertionError(f"{result.outcome} is not a way to fail")
