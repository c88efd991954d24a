"""What `rotcheck check` found, as lines and labelled texts that any format can show."""

from collections.abc import Sequence
from dataclasses import dataclass

from rotcheck.report import identification
from rotcheck.report.grid import UNICODE, Marks, Tone
from rotcheck.report.text import one_line
from rotcheck.results import Check, Fault, Identification, Part

Labelled = list[tuple[str, str]]
TONES: dict[str | None, Tone] = {"right": "good", "wrong": "bad", "unknown": "note", None: "note"}
MOST_NAMED = 6  # functions that one heading names


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or not understood, of all functions that it is told of in the same words."""

    parts: tuple[Part, ...]
    fault: Fault

    @property
    def title(self) -> str:
        """Who, and what."""
        names = [one_line(part.name) for part in self.parts[:MOST_NAMED]]
        more = f" and {len(self.parts) - MOST_NAMED} more" if len(self.parts) > MOST_NAMED else ""
        kept = "" if self.fault.answer == "wrong" else "not understood: "
        return f"{', '.join(names)}{more}: {kept}{one_line(self.fault.message)}"


def mark(answer: str | None, marks: Marks) -> str:
    """Return the sign for an answer."""
    return {"good": marks.good, "bad": marks.bad}.get(TONES[answer], marks.unknown)


def headline(found: Check, marks: Marks = UNICODE) -> str:
    """Return the answer for all in one line."""
    files = ", ".join(found.asked)
    stopped = "interrupted; " if found.interrupted else ""
    said = (
        found.headline
        if found.answer is None and not found.interrupted
        else f"{files}: {stopped}{found.headline}"
    )
    return one_line(f"{mark(found.answer, marks)} {said}")


def machine(found: Check) -> str:
    """Return what it ran on."""
    torch = f", torch {found.machine.torch}" if found.machine.torch else ""
    places = {found.device, *(told.device for told in found.conventions)}
    kernels = ", Triton kernels under its interpreter" if len(places) > 1 else ""
    return one_line(f"rotcheck {found.rotcheck}{torch}, on {found.device}{kernels}")


def lines(found: Check) -> list[tuple[Part, str, str]]:
    """Return each function with its line and what it does."""
    one = len({part.file for part in found.parts}) == 1
    return [
        (part, _line(part, one=one), _does(part, told))
        for part, told in zip(found.parts, found.conventions)
    ]


def _line(part: Part, *, one: bool) -> str:
    """Return where a function stands in as few words as tell it: the line, with the file where there are several."""
    if part.line is None:
        return one_line(part.name)
    return f"line {part.line}" if one else one_line(f"{part.name.rpartition(':')[0]}:{part.line}")


def place(part: Part) -> str:
    """Return the file and line of a function, `model.py:12`; empty where they are not known."""
    return "" if part.file is None else f"{part.file}:{part.line}" if part.line else part.file


def _does(part: Part, told: Identification) -> str:
    does = told.purpose or ("a mistake, see below" if told.answer == "wrong" else "not identified")
    if told.convention is not None:
        does = ("nearest: " if told.answer == "unknown" else "") + identification.convention_words(
            told
        )
    reach = f"right to {part.right_to:,}" if part.right_to is not None else ""
    return one_line("; ".join(text for text in (does, reach, told.built or "") if text))


def findings_of(part: Part) -> list[Finding]:
    """Return what is wrong with one function, or was not understood."""
    return [Finding((part,), fault) for fault in part.faults]


def findings(found: Check) -> list[Finding]:
    """Return what is wrong and then what was not understood, each once."""
    groups: dict[Fault, list[Part]] = {}
    for part in found.parts:
        for fault in part.faults:
            groups.setdefault(fault, []).append(part)
    told = [Finding(tuple(parts), fault) for fault, parts in groups.items()]
    return sorted(told, key=lambda each: each.fault.answer != "wrong")


def told(found: Check) -> list[tuple[Finding, Labelled]]:
    """Return each finding with what is known of it; a cause that stands above is not told again."""
    seen: set[str] = set()
    every = []
    for finding in findings(found):
        failure, known = finding.fault.failure, details(finding)
        if failure and failure in seen:
            above = f"as above, for {failure}"
            known = [(label, above if label in ("cause", "fix") else text) for label, text in known]
        seen.add(failure or "")
        every.append((finding, known))
    return every


def details(finding: Finding) -> Labelled:
    """Return what is known of a finding as labelled texts, in the order to show them."""
    fault = finding.fault
    known = [
        ("where", one_line(", ".join(filter(None, map(place, finding.parts[:MOST_NAMED]))))),
        ("seen", fault.seen or ""),
        ("cause", fault.cause or ""),
        ("fix", fault.fix or ""),
        ("shown by", fault.demonstration or ""),
        ("more", f"rotcheck explain {fault.failure}" if fault.failure else ""),
    ]
    return [(label, text) for label, text in known if text]


def notes(found: Check) -> list[str]:
    """Return what is worth knowing, each note once with the functions that it is about."""
    groups: dict[str, list[str]] = {}
    for part in found.parts:
        for note in part.notes:
            groups.setdefault(note, []).append(part.name.rpartition(":")[2])
    return [one_line(f"{', '.join(_few(names))}: {note}") for note, names in groups.items()]


def _few(names: Sequence[str]) -> list[str]:
    more = [f"{len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    return [*names[:MOST_NAMED], *more]
