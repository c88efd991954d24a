"""From the outcome of a question to a line of the probe:
its state, its text, cause and fix if known."""

import re
from typing import Any

from rotcheck.isolation import Died, Outcome, OverMemory, Raised, Returned, TimedOut
from rotcheck.results import Line
from rotcheck.scrub import scrub

RUNS = 3  # calls of `inside.thrice`
LONGEST = 300  # characters of a message that go into a line
_OWN_ERROR = re.compile(r"rotcheck\.probe\.inside\.\w+\.\w+")
_CALL = re.compile(r"on call (\d+): ")


def line(
    group: str, name: str, state: str, detail: str = "", *, error: str = "", **fields: Any
) -> Line:
    """A line without paths and host names.

    `error`, the whole text of what went wrong, is looked up among the known failures;
    the other fields are those of `Line`.
    """
    from rotcheck.diagnose import fields_of, match

    fields["values"] = _scrub_values(fields.get("values", {}))
    return Line(
        group=group,
        name=name,
        state=state,
        detail=scrub(detail),
        **fields,
        **(fields_of(match(error, rotary=True)) if error else {}),
    )


def outcome_line(
    group: str, name: str, outcome: Outcome, *, state: str = "", detail: str = "", **fields: Any
) -> Line:
    """The line of an outcome; its own text stands in for a `state`
    or `detail` that is not given."""
    return line(
        group,
        name,
        state or state_of(outcome),
        detail or why(outcome),
        error=whole(outcome),
        runs=runs(outcome),
        **fields,
    )


def join(*parts: str | None, by: str = ", ") -> str:
    """The parts that are not empty, joined."""
    return by.join(part for part in parts if part)


def failure_fields(code: str) -> dict[str, Any]:
    """Id, cause and fix of the failure that explains a finding of this code."""
    from rotcheck.diagnose import fields_of, for_finding

    return fields_of(for_finding(code))


def _scrub_values(value: Any) -> Any:
    """The same data with every text in it scrubbed."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: _scrub_values(inner) for key, inner in value.items()}
    return [_scrub_values(inner) for inner in value] if isinstance(value, list | tuple) else value


def state_of(outcome: Outcome) -> str:
    """ "runs", "raises", "crashes" or "hangs"."""
    match outcome:
        case Returned():
            return "runs"
        case Raised():
            return "raises"
        case TimedOut():
            return "hangs"
        case Died() | OverMemory():
            return "crashes"


def program_state(outcome: Outcome) -> str:
    """ "broken" for a program that cannot be started or reports an error, else as `state_of`."""
    reports = isinstance(outcome, Died) and outcome.status > 0
    return "broken" if reports or isinstance(outcome, Raised) else state_of(outcome)


def runs(outcome: Outcome) -> int:
    """The number of calls: up to the one that raised; one if the process ended."""
    if isinstance(outcome, Returned):
        return RUNS
    call = _CALL.match(outcome.message) if isinstance(outcome, Raised) else None
    return int(call[1]) if call else 1


def whole(outcome: Outcome) -> str:
    """The whole text of what went wrong, for the known failures; empty if nothing did."""
    match outcome:
        case Returned():
            return ""
        case Raised():
            return outcome.message if _OWN_ERROR.fullmatch(outcome.kind) else str(outcome)
        case Died():
            return join(str(outcome), outcome.output, by="\n")
        case TimedOut() | OverMemory():
            return str(outcome)


def why(outcome: Outcome) -> str:
    """What went wrong in one line and, if the process died or hung, where."""
    match outcome:
        case Died() | TimedOut():
            return f"{outcome}, in {outcome.trace[0]}" if outcome.trace else str(outcome)
        case _:
            return essence(whole(outcome))


def essence(message: str) -> str:
    """The line of a message that says what happened, shortened, after the number of its call.

    TorchScript puts its own traceback in front of that line,
    torch.compile "backend='inductor' raised:".
    """
    lines = [text.strip() for text in message.splitlines() if text.strip()] or [""]
    call = _CALL.match(message)
    sentence, before = lines[0], call[0] if call else ""
    if "TorchScript interpreter" in lines[0]:
        sentence = before + lines[-1]
    elif lines[0].endswith("raised:"):
        sentence = before + "".join(lines[1:2])
    return sentence if len(sentence) <= LONGEST else sentence[:LONGEST] + "..."
