"""What an identification comes to in few words:
its one line, its convention, and what remains possible."""

import re
from collections.abc import Sequence

from rotcheck.convention import order_words
from rotcheck.grouping import group_by
from rotcheck.report.document import Detail
from rotcheck.report.text import one_line, plural
from rotcheck.results import Identification, mistakes

WITH = " with tables "
MOST_WAYS = 5  # layouts that are shown
_PLAIN = re.compile(r"\bPlain\(theta=([\d.e+]+)\)")


def title(identification: Identification) -> str:
    """One line that says whether it follows a convention, and which."""
    name, mistaken = one_line(identification.specification), mistakes(identification)
    if mistaken:
        return f"{name}: {mistaken[0].message}"
    if identification.purpose is not None:
        return f"{name}: {identification.purpose}"
    if identification.convention is None:
        return f"{name}: not identified"
    if identification.answer == "unknown" and not is_untold(identification):
        return f"{name}: {identification.message}"
    nearest = "" if identification.follows else "not understood; nearest: "
    return f"{name}: {nearest}{convention_words(identification)}"


def is_untold(identification: Identification) -> bool:
    """Whether it is not understood for a reason that no finding tells."""
    messages = {remark.message for remark in identification.findings}
    unclear = identification.answer == "unknown" and identification.convention is not None
    return unclear and identification.message not in messages


def convention_words(identification: Identification) -> str:
    """The convention that was found, or the nearest, in few words."""
    convention = identification.convention
    assert convention is not None, "there is one"
    schedule = plainly(convention.schedule) if convention.schedule else "of no known schedule"
    if convention.kind == "builds":
        order = order_words(convention.table_lanes, " ")
        return f"makes {convention.tables}{order} tables, {schedule}"
    within = f" in {convention.blocks} blocks" if (convention.blocks or 1) > 1 else ""
    parts = [
        f"{convention.pairing} pairing{within}",
        "negative direction" if convention.direction == -1 else "",
        "de-interleaved output" if convention.output_lanes == "de-interleaved" else "",
        convention.layout or "any layout",
        f"{convention.tables} tables" if convention.takes_tables else schedule,
    ]
    return ", ".join(filter(None, parts))


def plainly(text: str) -> str:
    """A schedule without the name of the commonest one: `theta 10000`."""
    return _PLAIN.sub(lambda match: f"theta {float(match[1]):.10g}", text)


def group_ways(ways: Sequence[str]) -> list[str]:
    """Ways to call it, those that differ in their tables alone as one:
    `bshd with tables A or B`."""
    groups = group_by((way.partition(WITH) for way in ways), lambda parts: parts[0])
    lines = []
    for layout, parts in groups.items():
        axes = [axes for *_, axes in parts]
        lines.append(f"{layout}{WITH}{' or '.join(axes)}" if any(axes) else layout)
    if len(lines) > MOST_WAYS:
        lines[MOST_WAYS:] = [f"and {plural(len(lines) - MOST_WAYS, 'more layout')}"]
    return lines


def ambiguities(identification: Identification) -> list[Detail]:
    """What remains possible of what cannot be known, a field each."""
    return [
        Detail(field.field, f"one of {'; '.join(group_ways(field.possible))} ({field.why})")
        for field in identification.ambiguous
    ]
