"""From a log to what ended its run: the failure, or what the message means in general,
or that it is not known."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from rotcheck.diagnose.diagnosis import GENERAL, NOT_KNOWN, Diagnosis, of_event
from rotcheck.diagnose.match import fold
from rotcheck.diagnose.prose import is_code, of_words
from rotcheck.log.events import Event, Log

SCHEMA = "rotcheck/explanation/1"
BEFORE, AFTER = 50, 20  # lines within which an error may say why the run ended
MOST_LINES_OF_AN_EXCERPT = 40  # lines of a text that was picked out of a log
LEAST_LINES_OF_A_RUN = 4  # the least in which a run shows that it goes well
_SLIP = re.compile("NameError|UnboundLocalError")  # nobody raises them on purpose

Outcome = Literal["failed", "unclear", "well", "words", "code", "unknown"]
"""`failed`: an event ended the run.

`unclear`: errors, of which none is known to have ended it. `well`: nothing ended it. `words`: no
message of a program, but a description that is recognised. `code`: lines of programs, which only
quote messages. `unknown`: nothing that is recognised.
"""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What else of the log is known."""

    line: int
    kind: str  # "warning", "handled", "cause" or the event's
    text: str
    id: str
    title: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck explain` says of a text or a log."""

    schema: str = SCHEMA
    outcome: Outcome
    lines: int
    size: int  # bytes
    answer: Diagnosis | None = None
    # what ended the run, where the answer is another message that led to it
    crash: Diagnosis | None = None
    also: tuple[Sighting, ...] = ()
    next: tuple[str, ...] = ()  # what to do next

    @property
    def answered(self) -> bool:
        """Whether the text is known, or the run ended well."""
        return self.outcome in ("well", "code") or (
            self.answer is not None and self.answer.certainty != "unknown"
        )


def explain(log: Log) -> Explanation:
    """What ended the run that the log tells of, what caused that, and what else is known of.

    Raises `KnowledgeError` when a file of `failures/` or `messages/` cannot be understood.
    """
    answers = [of_event(event) for event in log.events]
    if all(
        answer.certainty == "unknown" and _is_a_line(event)
        for answer, event in zip(answers, log.events, strict=True)
    ):
        words = _of_prose(log)
        if words:
            return words
    if log.ended_by is not None:
        return _of_failed_run(log, answers, log.ended_by)
    places = [at for at, answer in enumerate(answers) if answer.certainty != "unknown"]
    errors = [
        at for at, event in enumerate(log.events) if event.kind != "warning" and not event.handled
    ]
    if errors:
        return _of_unclear_run(log, answers, errors)
    return _of_good_run(log, answers, places)


def _is_a_line(event: Event) -> bool:
    """Whether it is one line that sounds like an error, as a sentence of a person may."""
    return event.kind in ("error", "warning") and not event.frames


def _of_failed_run(log: Log, answers: Sequence[Diagnosis], end: int) -> Explanation:
    at, answer = _reason(log, answers, end)
    crash = answers[end] if at != end else None
    also = _also(log, answers, {at, end}, answer)
    return _explanation(log, "failed", answer, also, crash)


def _explanation(
    log: Log,
    outcome: Outcome,
    answer: Diagnosis | None = None,
    also: tuple[Sighting, ...] = (),
    crash: Diagnosis | None = None,
) -> Explanation:
    return Explanation(
        outcome=outcome,
        lines=log.lines,
        size=log.size,
        answer=answer,
        crash=crash,
        also=also,
        next=_next(answer),
    )


def _reason(log: Log, answers: Sequence[Diagnosis], end: int) -> tuple[int, Diagnosis]:
    """What explains the end: its own failure, else the first cause that is known,
    else what stands near it."""
    last = answers[end]
    line, entry = f"line {last.line}", last.failure or last.message
    for at, diagnosis in enumerate(answers):
        if entry and diagnosis.failure and diagnosis.failure.id in entry.explained_by:
            why = f"the message of {line}, which ended the run, comes of this"
            return at, _because(diagnosis, why)
    if last.failure:
        return end, last
    for at in _chain(log, end):
        if answers[at].failure:
            why = f"the exception of {line} came of this one, as the traceback says"
            return at, _because(answers[at], why)
        if answers[at].message and _SLIP.match(last.text):
            why = f"{GENERAL} L{line[1:]}, which ended the run, is a slip in the code that handles it."
            return at, msgspec.structs.replace(answers[at], why=why)
    for at in _around(log, end):
        if answers[at].failure:
            why = f"it is near {line}, which ended the run and is not known by itself"
            return at, _because(answers[at], why)
    return end, last


def _because(answer: Diagnosis, why: str) -> Diagnosis:
    return msgspec.structs.replace(answer, certainty="likely", why=f"{why}.")


def _chain(log: Log, end: int) -> Iterator[int]:
    """The causes of an event, the nearest first."""
    visited_places, at = {end}, log.events[end].cause
    while at is not None and at not in visited_places:
        visited_places.add(at)
        yield at
        at = log.events[at].cause


def _around(log: Log, end: int) -> list[int]:
    """The errors that stand near an event and that nobody handled, the nearest first."""
    line, process = log.events[end].line, log.events[end].process
    near = [
        (abs(event.line - line), at)
        for at, event in enumerate(log.events)
        if at != end
        and event.kind != "warning"
        and not event.handled
        and event.process == process
        and line - BEFORE <= event.line <= line + AFTER
    ]
    return [at for _, at in sorted(near)]


def _of_unclear_run(log: Log, answers: Sequence[Diagnosis], errors: Sequence[int]) -> Explanation:
    """The last error that is known by its failure, else by its message, else a warning,
    else the last error."""
    ranks = {"certain": 0, "likely": 0, "general": 1, "unknown": 3}
    best = min(reversed(errors), key=lambda at: ranks[answers[at].certainty])
    answer = answers[best]
    if answer.certainty == "unknown":
        warnings = [at for at, diagnosis in enumerate(answers) if diagnosis.failure]
        best = warnings[-1] if warnings and log.lines <= MOST_LINES_OF_AN_EXCERPT else best
        answer = answers[best]
        words = _of_prose(log) if answer.certainty == "unknown" else None
        if words:
            return words
    outcome: Outcome = "unclear" if answer.certainty != "unknown" else "unknown"
    return _explanation(log, outcome, answer, _also(log, answers, {best}, answer))


def _of_prose(log: Log) -> Explanation | None:
    answer = of_words(log.prose)
    if answer is None:
        return None
    return _explanation(log, "words" if answer.certainty == "possible" else "unclear", answer)


def _of_good_run(log: Log, answers: Sequence[Diagnosis], places: Sequence[int]) -> Explanation:
    """Nothing ended the run; of a short text, which somebody picked out,
    what is known is the answer."""
    best = places[-1] if places and log.lines <= MOST_LINES_OF_AN_EXCERPT else None
    for at in places:
        if best is not None and answers[at].failure and not answers[best].failure:
            best = at
    answer = answers[best] if best is not None else None
    quiet = log.running and log.lines >= LEAST_LINES_OF_A_RUN
    nothing = (
        answer is None and not log.events and log.lines <= MOST_LINES_OF_AN_EXCERPT and not quiet
    )
    if nothing and is_code(log.prose):
        return _explanation(log, "code")
    if nothing:
        answer = Diagnosis(text=fold(log.prose), certainty="unknown", why=NOT_KNOWN)
    also = _also(log, answers, set() if best is None else {best}, answer)
    return _explanation(log, "unknown" if nothing else "well", answer, also)


def _also(
    log: Log, answers: Sequence[Diagnosis], places: set[int], answer: Diagnosis | None
) -> tuple[Sighting, ...]:
    """The other events that are known, each failure once, where it is first seen."""
    ids = {_id(answer)} if answer else set()
    sightings = []
    for at, diagnosis in enumerate(answers):
        entry = diagnosis.failure or diagnosis.message
        if at in places or entry is None or entry.id in ids or diagnosis.line is None:
            continue
        ids.add(entry.id)
        line, kind, text = diagnosis.line, diagnosis.kind, diagnosis.text
        kind = "handled" if log.events[at].handled and kind != "warning" else kind
        sightings.append(Sighting(line=line, kind=kind, text=text, id=entry.id, title=entry.title))
    return tuple(sightings)


def _id(answer: Diagnosis) -> str | None:
    entry = answer.failure or answer.message
    return entry.id if entry else None


def _next(answer: Diagnosis | None) -> tuple[str, ...]:
    """What to do next: the failure's own advice,
    or what this machine can tell of an unknown text."""
    if answer is None:
        return ()
    if answer.failure:
        return answer.failure.next
    if answer.message:
        return ()
    probes = [text for names, text in _PROBES if re.search(names, answer.text, re.IGNORECASE)]
    probe = f"`rotcheck probe` runs {', '.join(probes)} on this machine" if probes else _RUN
    return probe, _CONTRIBUTE


_PROBES = (
    (
        r"cuda|nvidia|nvrtc|\bgpu\b|cudnn|nccl",
        "a kernel on each CUDA device and names driver and wheel",
    ),
    (r"\bmps\b|metal|macos", "a kernel on MPS"),
    (r"\bxpu\b|sycl|level.?zero", "a kernel on XPU"),
    (r"\bnpu\b|ascend|acl", "a kernel on the NPU"),
    (r"hip|rocm|gfx\d", "a kernel on the ROCm device"),
    (r"triton|ptxas", "Triton's compiler"),
    (r"inductor|dynamo|torch\.compile|g\+\+|gcc|clang", "torch.compile's compilers"),
    (r"flash.?attn|flash.?attention", "flash-attn's import"),
    (r"torchscript|torch\.jit|\bfuser\b", "TorchScript under each executor"),
)
_RUN = "`rotcheck probe` runs what is on this machine, `rotcheck check FILE` the rotary functions of a file"
_CONTRIBUTE = "if its cause is known to you, add it: docs/add-a-failure.md (one file)"
