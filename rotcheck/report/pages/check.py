"""Is a file right, and how far? The answer, a line for each function,
and what is wrong or was not understood."""

from collections.abc import Iterator, Sequence

from rotcheck.grouping import group_by
from rotcheck.report import document as doc
from rotcheck.report.alerts import Alert, Alerts
from rotcheck.report.ci_suites import Suite, SuiteCase, gate
from rotcheck.report.convention_summary import convention_words
from rotcheck.report.document import Part as PartOfDocument
from rotcheck.report.summary import run_on
from rotcheck.report.text import one_line
from rotcheck.results import Check, Fault, Identification, Part

WORD = "a check"
RESULT = Check

TONES: dict[str | None, doc.Tone] = {
    "right": "good",
    "wrong": "bad",
    "unknown": "note",
    None: "note",
}
MOST_NAMED = 6  # functions that one heading names


def document(check: Check) -> doc.Document:
    """The answer in one line, a line for each function, what is wrong, and what to do next."""
    return doc.Document(tuple(parts(check)))


def parts(check: Check) -> Iterator[PartOfDocument]:
    """The parts of its document, which others put into theirs."""
    yield doc.Heading(headline(check), TONES[check.answer])
    yield doc.Lines([_machine(check)])
    if check.parts:
        yield doc.Rows(("", "where", "function", "is"), _rows(check))
    yield from findings(check)
    yield from doc.listing("Worth knowing", notes(check), aside=True)
    yield from doc.listing("Next", check.advice)


def headline(check: Check) -> str:
    """The answer for all in one line."""
    files = ", ".join(check.asked)
    stop = "interrupted; " if check.interrupted else ""
    nothing = check.answer is None and not check.interrupted
    text = check.headline if nothing else f"{files}: {stop}{check.headline}"
    return one_line(f"{doc.SIGNS[TONES[check.answer]]} {text}")


def _machine(check: Check) -> str:
    """What it ran on."""
    places = {check.device, *(result.device for result in check.conventions)}
    kernels = ", Triton kernels under its interpreter" if len(places) > 1 else ""
    return run_on(check.rotcheck, check.machine.torch, f"{check.device}{kernels}")


def _rows(check: Check) -> list[tuple[doc.Field, ...]]:
    """Each function with its line and what it does."""
    alone = len({part.file for part in check.parts}) == 1
    return [
        (
            doc.Field(doc.SIGNS[TONES[part.answer]], TONES[part.answer]),
            doc.Field(_line(part, alone=alone)),
            doc.Field(one_line(part.name.rpartition(":")[2]), name=True),
            doc.Field(does(part, result)),
        )
        for part, result in zip(check.parts, check.conventions)
    ]


def _line(part: Part, *, alone: bool) -> str:
    """Where a function stands in as few words as tell it:
    the line, with the file where there are several."""
    if part.line is None:
        return one_line(part.name)
    return f"line {part.line}" if alone else one_line(f"{part.name.rpartition(':')[0]}:{part.line}")


def _place(part: Part) -> str:
    """The file and line of a function, `model.py:12`; empty where they are not known."""
    return "" if part.file is None else f"{part.file}:{part.line}" if part.line else part.file


def does(part: Part, identification: Identification) -> str:
    """What a function does, and how far it is right."""
    wrong = identification.answer == "wrong"
    text = identification.purpose or ("a mistake, see below" if wrong else "not identified")
    if identification.convention is not None:
        nearest = "nearest: " if identification.answer == "unknown" else ""
        text = f"{nearest}{convention_words(identification)}"
    reach = f"right to {part.right_to:,}" if part.right_to is not None else ""
    return one_line("; ".join(filter(None, (text, reach, identification.built))))


def findings(check: Check) -> list[doc.Finding]:
    """What is wrong and then what was not understood, each once."""
    pairs = [(part, fault) for part in check.parts for fault in part.faults]
    groups = group_by(pairs, lambda pair: pair[1])
    return [
        finding([part for part, _ in groups[fault]], fault)
        for fault in sorted(groups, key=lambda fault: fault.answer != "wrong")
    ]


def finding(parts: Sequence[Part], fault: Fault) -> doc.Finding:
    """A fault, of all functions that have it in the same words."""
    names = _few([one_line(part.name) for part in parts], " and ")
    unclear = "" if fault.answer == "wrong" else "not understood: "
    places = filter(None, map(_place, parts[:MOST_NAMED]))
    details = doc.details(
        doc.Detail("where", one_line(", ".join(places))),
        doc.Detail("seen", fault.seen or ""),
        *doc.knowledge(fault, fault.demonstration),
    )
    title = f"{names}: {unclear}{one_line(fault.message)}"
    return doc.Finding(title, details, TONES[fault.answer])


def notes(check: Check) -> list[str]:
    """What is worth knowing, each note once with the functions that it is about."""
    pairs = [(part.name.rpartition(":")[2], note) for part in check.parts for note in part.notes]
    return [
        one_line(f"{_few([name for name, _ in group], ', ')}: {note}")
        for note, group in group_by(pairs, lambda pair: pair[1]).items()
    ]


def _few(names: Sequence[str], joint: str) -> str:
    more = f"{joint}{len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"


def alerts(check: Check) -> Alerts:
    """Each thing that is wrong or was not understood."""
    faults = [_alert(part, fault) for part in check.parts for fault in part.faults]
    return Alerts(headline(check), faults, not check.interrupted)


def _alert(part: Part, fault: Fault) -> Alert:
    wrong = fault.answer == "wrong"
    return Alert(
        rule=fault.rule,
        level="error" if wrong else "warning",
        subject=part.name,
        message=one_line(fault.message if wrong else f"not understood: {fault.message}"),
        cause=one_line(fault.cause or ""),
        fix=one_line(fault.fix or ""),
        file=part.file,
        line=part.line,
    )


def suites(check: Check) -> Iterator[Suite]:
    """A case for each function, which fails where it is wrong or was not understood;
    and that there was one at all."""
    name = f"check {', '.join(check.asked)}"
    yield Suite(name, [_case(part, check) for part in check.parts])
    if check.interrupted or check.answer is None:
        yield gate(name, "finished", headline(check), "error")


def _case(part: Part, check: Check) -> SuiteCase:
    group = [finding([part], fault) for fault in part.faults]
    return SuiteCase(
        group=part.name,
        name=f"{', '.join(check.dtypes)} on {check.device}",
        outcome="failure" if group else None,
        message="; ".join(fault.title for fault in group),
        kind=part.answer,
        text="\n".join(line for fault in group for line in (fault.title, *map(str, fault.details))),
        file=part.file,
        line=part.line,
    )
