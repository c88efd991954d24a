"""The lines of a probe: how to group, name and mark them."""

from collections.abc import Iterable

from rotcheck.report.grid import Tone
from rotcheck.report.text import one_line
from rotcheck.results import Line

HEADINGS = {"torchscript": "torchscript: what happens when code switches this on"}
GOOD = {"runs"}
ABSENT = {"absent", "not built in", "no driver", "not here", "default"}


def groups(lines: Iterable[Line]) -> list[tuple[str, list[Line]]]:
    """Return the lines by the heading of their group, in the order in which the groups appear."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(HEADINGS.get(line.group, line.group), []).append(line)
    return list(found.items())


def name(line: Line) -> str:
    """Return the line's name, a stand-in marked as one."""
    return one_line(f"{line.name} (stand-in)" if line.stand_in else line.name)


def tone(line: Line) -> Tone:
    """Return whether the line is good news, bad news or neither."""
    if line.state in GOOD:
        return "good"
    return "none" if line.state in ABSENT or (line.runs == 0 and not line.failure) else "bad"


def told(line: Line) -> str:
    """Return what the line says, with the id of the failure that it is."""
    return f"{line.detail} [{line.failure}]" if line.failure else line.detail


def explained(lines: Iterable[Line]) -> list[Line]:
    """Return the lines with a cause or a fix, one for each failure."""
    known = [line for line in lines if line.cause or line.fix]
    return list(
        {line.failure or line.cause or line.fix: line for line in reversed(known)}.values()
    )[::-1]


def title(line: Line) -> str:
    """Return the heading of what is known about the line."""
    return f"{line.failure}: {name(line)} {one_line(line.state)}" if line.failure else name(line)


def details(line: Line) -> list[tuple[str, str]]:
    """Return what is known of the line beyond what it says, as labelled texts."""
    more = f"rotcheck explain {line.failure}" if line.failure else ""
    known = [("cause", line.cause or ""), ("fix", line.fix or ""), ("more", more)]
    return [(label, text) for label, text in known if text]
