"""What a machine has: its lines in groups, and what is known of those that fail."""

from collections.abc import Iterable, Iterator

from rotcheck.report import document as doc
from rotcheck.report import summary
from rotcheck.report.summary import tone
from rotcheck.report.text import one_line, shorten
from rotcheck.results import Line, Probe

WORD = "a probe"
RESULT = Probe

HEADINGS = {"torchscript": "torchscript: what happens when code switches this on"}


def document(probe: Probe) -> doc.Document:
    """A section for each group of lines, and each cause once."""
    return doc.Document(tuple(_parts(probe)), "rotcheck probe")


def _parts(probe: Probe) -> Iterator[doc.Part]:
    machine = probe.machine
    yield doc.Lines(summary.machine_lines(machine, probe.rotcheck))
    for group in dict.fromkeys(line.group for line in machine.lines):
        rows = [_row(line) for line in machine.lines if line.group == group]
        table = doc.Rows(("", "what", "state", "detail"), rows)
        yield doc.Section(HEADINGS.get(group, group), [table])
    for line in _causes(machine.lines):
        yield doc.Finding(_title(line), _details(line), tone(line))
    if probe.interrupted:
        yield doc.Summary("interrupted: partial result")


def _row(line: Line) -> tuple[doc.Field, ...]:
    return (
        doc.Field(doc.SIGNS[tone(line)], tone(line)),
        doc.Field(_name(line)),
        doc.Field(one_line(line.state)),
        doc.Field(shorten(one_line(_text(line)))),
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


def _causes(lines: Iterable[Line]) -> list[Line]:
    """The lines with a cause or a fix, one for each failure."""
    causes = [line for line in lines if line.cause or line.fix]
    first = {line.failure or line.cause or line.fix: line for line in reversed(causes)}
    return list(first.values())[::-1]


def _title(line: Line) -> str:
    return f"{line.failure}: {_name(line)} {one_line(line.state)}" if line.failure else _name(line)


def _details(line: Line) -> list[doc.Detail]:
    return doc.details(*doc.knowledge(line))
