"""From what became of a question to a line of the probe: its state, its words, cause and fix if known."""

import re
from typing import TYPE_CHECKING, Any

from rotcheck.isolation import Died, Outcome, OverMemory, Raised, Returned, TimedOut
from rotcheck.results import Line
from rotcheck.scrub import scrub

if TYPE_CHECKING:
    from rotcheck.diagnose import Failure

RUNS = 3  # `inside.thrice` calls as often
LONGEST = 300  # characters of a message that go into a line
_OWN_ERROR = re.compile(r"rotcheck\.probe\.inside\.\w+\.\w+")
_CALL = re.compile(r"on call (\d+): ")


def line(
    group: str, name: str, state: str, detail: str = "", *, error: str = "", **fields: Any
) -> Line:
    """Return a line without paths and host names.

    `error`, the whole text of what went wrong, is looked up among the known failures; the other fields are
    those of `Line`.
    """
    fields["values"] = _scrubbed(fields.get("values", {}))
    return Line(
        group=group, name=name, state=state, detail=scrub(detail), **fields, **_known(error)
    )


def outcome_line(
    group: str, name: str, outcome: Outcome, *, state: str = "", detail: str = "", **fields: Any
) -> Line:
    """Return the line of an outcome; its own words stand where neither `state` nor `detail` is given."""
    return line(
        group,
        name,
        state or ended(outcome),
        detail or why(outcome),
        error=whole(outcome),
        runs=runs(outcome),
        **fields,
    )


def joined(*parts: str | None, by: str = ", ") -> str:
    """Return the parts that say something, joined."""
    return by.join(part for part in parts if part)


def _known(error: str) -> dict[str, Any]:
    """Return id, cause and fix of the known failure that the text shows."""
    if not error:
        return {}
    from rotcheck.diagnose import match

    return _told(match(error, rotary=True))


def known(code: str) -> dict[str, Any]:
    """Return id, cause and fix of the failure that explains a finding of this code."""
    from rotcheck.diagnose import for_finding

    return _told(for_finding(code))


def _told(failure: "Failure | None") -> dict[str, Any]:
    return {"failure": failure.id, "cause": failure.cause, "fix": failure.fix} if failure else {}


def _scrubbed(value: Any) -> Any:
    """Return the same data with every text in it scrubbed."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: _scrubbed(inner) for key, inner in value.items()}
    return [_scrubbed(inner) for inner in value] if isinstance(value, list | tuple) else value


def ended(outcome: Outcome) -> str:
    """Return the word for what became of a question: runs, raises, crashes or hangs."""
    match outcome:
        case Returned():
            return "runs"
        case Raised():
            return "raises"
        case TimedOut():
            return "hangs"
        case Died() | OverMemory():
            return "crashes"


def runs(outcome: Outcome) -> int:
    """Return how many times a thing was run: up to the call that raised, once if the process ended."""
    if isinstance(outcome, Returned):
        return RUNS
    call = _CALL.match(outcome.message) if isinstance(outcome, Raised) else None
    return int(call[1]) if call else 1


def whole(outcome: Outcome) -> str:
    """Return all that was said when it went wrong, for the known failures; empty when it went right."""
    match outcome:
        case Returned():
            return ""
        case Raised():
            return outcome.message if _OWN_ERROR.fullmatch(outcome.kind) else str(outcome)
        case Died():
            return joined(str(outcome), outcome.output, by="\n")
        case TimedOut() | OverMemory():
            return str(outcome)


def why(outcome: Outcome) -> str:
    """Return in one line what went wrong and, where the process died or hung, the place."""
    match outcome:
        case Died() | TimedOut():
            return f"{outcome}, in {outcome.trace[0]}" if outcome.trace else str(outcome)
        case _:
            return essence(whole(outcome))


def essence(message: str) -> str:
    """Return the line of a message that says what happened, shortened, behind the number of its call.

    TorchScript puts its own traceback in front of that line, torch.compile "backend='inductor' raised:".
    """
    lines = [text.strip() for text in message.splitlines() if text.strip()] or [""]
    call = _CALL.match(message)
    chosen, before = lines[0], call[0] if call else ""
    if "TorchScript interpreter" in lines[0]:
        chosen = before + lines[-1]
    elif lines[0].endswith("raised:"):
        chosen = before + "".join(lines[1:2])
    return chosen if len(chosen) <= LONGEST else chosen[:LONGEST] + "..."
