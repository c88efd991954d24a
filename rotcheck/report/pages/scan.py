"""What will break, or go silently wrong, on another device: file by file."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rotcheck.grouping import group_by
from rotcheck.report import document as doc
from rotcheck.report.alerts import Alert, Alerts
from rotcheck.report.text import clean, one_line, plural
from rotcheck.results import Hazard, Scan
from rotcheck.scan.rules import rules

WORD = "a scan"
RESULT = Scan

MOST_LINES = 8  # that one message names
MOST_PATHS = 3  # that the headline names
MOST_MESSAGES = 6  # of one code in one file


def document(scan: Scan) -> doc.Document:
    """A section for each file that has hazards, and what could not be read."""
    return doc.Document(tuple(_parts(scan)))


def _parts(scan: Scan) -> Iterator[doc.Part]:
    tone: doc.Tone = "bad" if scan.hazards else "good" if scan.files else "note"
    yield doc.Heading(headline(scan), tone)
    for file, findings in files(scan):
        yield doc.Section(clean(file), list(map(_finding, findings)))
    gaps = [one_line(f"{gap.file}: {gap.reason}") for gap in scan.gaps]
    yield from doc.listing("Not read", gaps, aside=True)
    yield from doc.listing("Worth knowing", scan.notes, aside=True)


def headline(scan: Scan) -> str:
    """What the scan came to, in one line."""
    count = len({hazard.file for hazard in scan.hazards})
    where = f" in {plural(count, 'file')}" if scan.hazards else ""
    counts = [
        f"{plural(len(scan.hazards), 'hazard')}{where}",
        f"{plural(scan.files, 'file')} read",
    ]
    counts += [f"{len(scan.gaps)} not read"] if scan.gaps else []
    counts += [f"{scan.ignored} ignored"] if scan.ignored else []
    stop = "interrupted; " if scan.interrupted else ""
    nothing = "no Python file; " if not scan.files and not scan.interrupted else ""
    many = len(scan.asked) > MOST_PATHS
    paths = plural(len(scan.asked), "path") if many else ", ".join(scan.asked)
    return one_line(f"{paths}: {stop}{nothing}{', '.join(counts)}")


def files(scan: Scan) -> Iterator[tuple[str, list[list[Hazard]]]]:
    """Each file that has hazards, those together under one code that one change mends."""
    for file, group in groupby(scan.hazards, lambda hazard: hazard.file):
        groups = group_by(group, lambda hazard: (hazard.code, hazard.change, hazard.failure))
        yield file, list(groups.values())


def _finding(hazards: Sequence[Hazard]) -> doc.Finding:
    """What is wrong in one file under one code, with one thing to change."""
    first = hazards[0]
    details = [
        *_messages(hazards),
        doc.Detail("change", first.change, failure=first.code),
        doc.Detail("devices", first.devices),
        doc.Detail("more", f"rotcheck explain {first.failure or first.code}"),
    ]
    return doc.Finding(first.code, details)


def _messages(hazards: Sequence[Hazard]) -> list[doc.Detail]:
    """Each thing that happens, with its lines; what happens often, once."""
    groups = group_by(hazards, lambda hazard: hazard.message)
    messages = [doc.Detail(_lines(group), one_line(text)) for text, group in groups.items()]
    if len(messages) <= MOST_MESSAGES:
        return messages
    rest = [hazard for group in list(groups.values())[MOST_MESSAGES:] for hazard in group]
    more = doc.Detail(_lines(rest), f"and {len(rest)} more of the kind")
    return [*messages[:MOST_MESSAGES], more]


def _lines(hazards: Iterable[Hazard]) -> str:
    """`line 3, 7`, or in a notebook `cell 2, line 3`."""
    places = list(dict.fromkeys(map(_place, hazards)))
    more = f" and {len(places) - MOST_LINES} more" if len(places) > MOST_LINES else ""
    lines = ", ".join(places[:MOST_LINES]) + more
    return f"line {lines}" if lines[0].isdigit() else lines


def _place(hazard: Hazard) -> str:
    return f"cell {hazard.cell}, line {hazard.line}" if hazard.cell else str(hazard.line)


def alerts(scan: Scan) -> Alerts:
    """Each hazard; a line in a notebook's cell is no line of its file."""
    return Alerts(headline(scan), list(map(_alert, scan.hazards)), not scan.interrupted)


def _alert(hazard: Hazard) -> Alert:
    in_cell = hazard.cell is not None
    return Alert(
        rule=hazard.code,
        level="warning",
        subject=one_line(hazard.where or hazard.file),
        message=one_line(f"{_place(hazard)}: {hazard.message}" if in_cell else hazard.message),
        fix=one_line(hazard.change),
        file=hazard.file,
        line=None if in_cell else hazard.line,
        column=None if in_cell else hazard.column,
        end_line=None if in_cell else hazard.end_line,
        title=rules()[hazard.code].TITLE,
    )
