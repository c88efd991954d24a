"""What a machine has: its lines in groups, and what is known of those that fail."""

from collections.abc import Iterable, Iterator

from rotcheck.report import document as made_of
from rotcheck.report import summary
from rotcheck.report.document import (
    SIGNS,
    Conclusion,
    Detail,
    Document,
    Field,
    Finding,
    Lines,
    Part,
    Rows,
    Section,
)
from rotcheck.report.summary import tone
from rotcheck.report.text import one_line, shorten
from rotcheck.results import Line, Probe

WORD = "a probe"
RESULT = Probe

HEADINGS = {"torchscript": "torchscript: what happens when code switches this on"}


def document(probe: Probe) -> Document:
    """A section for each group of lines, and each cause once."""
    return Document(tuple(_parts(probe)), "rotcheck probe")


def _parts(probe: Probe) -> Iterator[Part]:
    machine = probe.machine
    yield Lines(summary.machine_lines(machine, probe.rotcheck))
    for group in dict.fromkeys(line.group for line in machine.lines):
        rows = [_row(line) for line in machine.lines if line.group == group]
        table = Rows(("", "what", "state", "detail"), rows)
        yield Section(HEADINGS.get(group, group), [table])
    for line in _explained(machine.lines):
        yield Finding(_title(line), _details(line), tone(line))
    if probe.interrupted:
        yield Conclusion("interrupted: what was found until then")


def _row(line: Line) -> tuple[Field, ...]:
    return (
        Field(SIGNS[tone(line)], tone(line)),
        Field(_name(line)),
        Field(one_line(line.state)),
        Field(shorten(one_line(_text(line)))),
    )


def _name(line: Line) -> str:
    return one_line(f"{line.name} (stand-in)" if line.stand_in else line.name)


def _text(line: Line) -> str:
    """What the line says, with the dtypes in which a device computes or the id of a failure."""
    device = line.group == "devices" and not line.stand_in
    dtypes = line.values.get("dtypes") if device else None
    computes = f"computes in {', '.join(dtypes)}" if dtypes else ""
    text = "; ".join(filter(None, [line.detail, computes]))
    return f"{text} [{line.failure}]" if line.failure else text


def _explained(lines: Iterable[Line]) -> list[Line]:
    """The lines with a cause or a fix, one for each failure."""
    causes = [line for line in lines if line.cause or line.fix]
    first = {line.failure or line.cause or line.fix: line for line in reversed(causes)}
    return list(first.values())[::-1]


def _title(line: Line) -> str:
    return f"{line.failure}: {_name(line)} {one_line(line.state)}" if line.failure else _name(line)


def _details(line: Line) -> list[Detail]:
    return made_of.details(*made_of.knowledge(line))
