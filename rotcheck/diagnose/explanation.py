"""From a log to what ended its run: the failure, or what the message means in general, or that it is not known."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from rotcheck.diagnose.general import Message
from rotcheck.diagnose.knowledge import Failure
from rotcheck.diagnose.match import Hit, context, descriptions, failures, fold, messages, rank
from rotcheck.log.events import Event, Frame, Log

SCHEMA = "rotcheck/explanation/1"
BEFORE, AFTER = 50, 20  # lines within which an error may say why the run ended
BESIDE = 8  # lines within which a text may say what a message that it quotes is about
SHORT = 40  # lines of a text that was picked out of a log

Outcome = Literal["failed", "unclear", "well", "words", "code", "unknown"]
"""`failed`: an event ended the run. `unclear`: errors, of which none is known to have ended it. `well`: nothing ended
it. `words`: no message of a program, but a description that is recognised. `code`: lines of programs, which only
quote messages. `unknown`: nothing that is recognised."""

Certainty = Literal["certain", "likely", "possible", "general", "unknown"]
"""`certain`: the message is this failure's alone. `likely`: several things cause it, and something beside it names
this one. `possible`: recognised from a description. `general`: what the message means, whatever caused it."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A message, and what is known of it."""

    line: int | None = None  # of the log, from 1
    text: str
    kind: str = ""  # as an event's; "" for a text without one
    process: str = ""
    certainty: Certainty
    why: str  # one sentence: why it is this one, and why not surer
    failure: Failure | None = None
    message: Message | None = None
    others: tuple[Failure, ...] = ()  # what else it may be, the likeliest first


class Seen(msgspec.Struct, frozen=True, kw_only=True):
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
    answer: Answer | None = None
    crash: Answer | None = None  # what ended the run, where the answer is another message that led to it
    also: tuple[Seen, ...] = ()
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
    answers = [_answer(event) for event in log.events]
    if log.ended_by is not None:
        return _failed(log, answers, log.ended_by)
    known = [at for at, answer in enumerate(answers) if answer.certainty != "unknown"]
    errors = [at for at, event in enumerate(log.events) if event.kind != "warning" and not event.handled]
    if errors:
        return _unclear(log, answers, errors)
    if not known and all(event.kind == "warning" for event in log.events):
        words = _words(log)
        if words:
            return words
    return _well(log, answers, known)


def _failed(log: Log, answers: Sequence[Answer], end: int) -> Explanation:
    at, answer = _reason(log, answers, end)
    crash = answers[end] if at != end else None
    return Explanation(
        outcome="failed",
        lines=log.lines,
        size=log.size,
        answer=answer,
        crash=crash,
        also=_also(log, answers, {at, end}, answer),
        next=_next(answer),
    )


def _reason(log: Log, answers: Sequence[Answer], end: int) -> tuple[int, Answer]:
    """What explains the end: its own failure, else the first cause that is known, else what stands near it."""
    ended = answers[end]
    if ended.failure:
        return end, ended
    line = f"line {ended.line}"
    for at in _chain(log, end):
        if answers[at].failure:
            return at, _because(
                answers[at], f"the exception of {line} came of this one, as the traceback says"
            )
    for at in _around(log, end):
        if answers[at].failure:
            return at, _because(
                answers[at], f"it stands near {line}, which ended the run and is not known by itself"
            )
    entry = ended.message
    for at, other in enumerate(answers):
        if entry and other.failure and other.failure.id in entry.explained_by:
            return at, _because(other, f"the message of {line}, which ended the run, comes of this")
    return end, ended


def _because(answer: Answer, why: str) -> Answer:
    return msgspec.structs.replace(answer, certainty="likely", why=f"{why}.")


def _chain(log: Log, end: int) -> Iterator[int]:
    """The causes of an event, the nearest first."""
    seen, at = {end}, log.events[end].cause
    while at is not None and at not in seen:
        seen.add(at)
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


def _unclear(log: Log, answers: Sequence[Answer], errors: Sequence[int]) -> Explanation:
    """The last error that is known by its failure, else by its message, else a warning, else the last error."""
    ranks = {"certain": 0, "likely": 0, "general": 1, "unknown": 3}
    best = min(reversed(errors), key=lambda at: ranks[answers[at].certainty])
    answer = answers[best]
    if answer.certainty == "unknown":
        warned = [at for at, other in enumerate(answers) if other.failure]
        best = warned[-1] if warned and log.lines <= SHORT else best
        answer = answers[best]
        words = _words(log) if answer.certainty == "unknown" else None
        if words:
            return words
    return Explanation(
        outcome="unclear" if answer.certainty != "unknown" else "unknown",
        lines=log.lines,
        size=log.size,
        answer=answer,
        also=_also(log, answers, {best}, answer),
        next=_next(answer),
    )


def _well(log: Log, answers: Sequence[Answer], known: Sequence[int]) -> Explanation:
    """Nothing ended the run; of a short text, which somebody picked out, what is known is the answer."""
    best = known[-1] if known and log.lines <= SHORT else None
    for at in known:
        if best is not None and answers[at].failure and not answers[best].failure:
            best = at
    answer = answers[best] if best is not None else None
    nothing = answer is None and not log.events and log.lines <= SHORT
    if nothing and _is_code(log.prose):
        return Explanation(outcome="code", lines=log.lines, size=log.size)
    if nothing:
        answer = Answer(text=fold(log.prose), certainty="unknown", why=_UNKNOWN)
    return Explanation(
        outcome="unknown" if nothing else "well",
        lines=log.lines,
        size=log.size,
        answer=answer,
        also=_also(log, answers, set() if best is None else {best}, answer),
        next=_next(answer),
    )


_UNKNOWN = "no failure and no general message that rotcheck knows has this text."
_ALONE = "this message is this failure's alone."


def _answer(event: Event) -> Answer:
    """What is known of an event by itself."""
    for failure, text in _failures(event.readings or (event.text,)):
        if not failure.context or context(failure, text):
            return _of(event, "certain", _ALONE, failure=failure)
        evidence = _evidence(failure, event)
        if evidence:
            return _of(
                event, "likely", f"several things cause this message, and {evidence}.", failure=failure
            )
    for reading in event.readings or (event.text,):
        for hit in messages(reading):
            why = "many things cause this message, and nothing beside it names one of rotcheck's failures."
            return _of(event, "general", why, message=hit.entry)
    return _of(event, "unknown", _UNKNOWN)


def _of(
    event: Event,
    certainty: Certainty,
    why: str,
    failure: Failure | None = None,
    message: Message | None = None,
) -> Answer:
    return Answer(
        line=event.line,
        text=event.text,
        kind=event.kind,
        process=event.process,
        certainty=certainty,
        why=why,
        failure=failure,
        message=message,
    )


def _failures(readings: Sequence[str]) -> list[Hit[Failure]]:
    """The failures whose signature one of the readings holds, the most specific first."""
    hits = {hit.entry.id: hit for reading in readings for hit in failures(reading)}
    return sorted(hits.values(), key=rank)


def _evidence(failure: Failure, event: Event) -> str | None:
    """What beside the message speaks of this failure: the innermost frame first, then what stands around it."""
    for frame in reversed(event.frames):
        if context(failure, _named(frame)):
            return f"its frame {_place(frame)} names what this failure is about"
    found = context(failure, event.text)
    if found:
        return f"it names `{fold(found)}`"
    found = context(failure, event.nearby) if not event.frames else None
    return f"a line beside it names `{fold(found)}`" if found else None


def _named(frame: Frame) -> str:
    """The frame without folders that a user named: a project called rope is no rotary code."""
    path = re.split(r"[/\\](?:site|dist)-packages[/\\]", frame.file)
    file = path[-1] if len(path) > 1 else "/".join(re.split(r"[/\\]", frame.file)[-2:])
    return f"{file} {frame.function} {frame.source}"


def _place(frame: Frame) -> str:
    name = re.split(r"[/\\]", frame.file)[-1]
    place = f"`{name}:{frame.line}`" if frame.line else f"`{name}`"
    return f"{place} in `{frame.function}`" if frame.function else place


def _also(log: Log, answers: Sequence[Answer], told: set[int], answer: Answer | None) -> tuple[Seen, ...]:
    """The other events that are known, each failure once, where it is first seen."""
    ids = {_id(answer)} if answer else set()
    seen = []
    for at, other in enumerate(answers):
        entry = other.failure or other.message
        if at in told or entry is None or entry.id in ids or other.line is None:
            continue
        ids.add(entry.id)
        kind = "handled" if log.events[at].handled and other.kind != "warning" else other.kind
        seen.append(Seen(line=other.line, kind=kind, text=other.text, id=entry.id, title=entry.title))
    return tuple(seen)


def _id(answer: Answer) -> str | None:
    entry = answer.failure or answer.message
    return entry.id if entry else None


def _words(log: Log) -> Explanation | None:
    """A text without an event: a message that is quoted in it, else what it describes."""
    prose = "\n".join(line for line in log.prose.splitlines() if not _CODE.search(line))
    answer = _quoted(prose, log.prose) or _described(prose)
    if answer is None:
        return None
    return Explanation(
        outcome="words" if answer.certainty == "possible" else "unclear",
        lines=log.lines,
        size=log.size,
        answer=answer,
        next=_next(answer),
    )


_CODE = re.compile(  # a line of a program, or of a search in programs: it only speaks of an error
    r"^\S+\.\w{1,4}[:-]\d+[:-]|^\s*(?:#|//|def |class |raise |assert |except\b|return |if |elif )|pytest\.raises|match="
)


def _is_code(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and all(_CODE.search(line) for line in lines)


def _quoted(prose: str, whole: str) -> Answer | None:
    for failure, text in failures(prose):
        line, shown = _place_of(whole, text)
        if not failure.context or context(failure, text):
            return Answer(line=line, text=shown, certainty="certain", why=_ALONE, failure=failure)
        named = context(failure, _around_line(whole, line))
        if named:
            why = f"several things cause this message, and the text beside it names `{fold(named)}`."
            return Answer(line=line, text=shown, certainty="likely", why=why, failure=failure)
    for general in messages(prose):
        line, text = _place_of(whole, general.text)
        why = "many things cause this message, and nothing beside it names one of rotcheck's failures."
        return Answer(line=line, text=text, certainty="general", why=why, message=general.entry)
    return None


def _around_line(prose: str, line: int | None) -> str:
    at = line or 1
    return "\n".join(prose.splitlines()[max(0, at - BESIDE) : at + BESIDE])


def _place_of(prose: str, found: str) -> tuple[int | None, str]:
    """The number and the text of the line that holds what was found; where it was wrapped, of its first line."""
    lines = prose.splitlines()
    for at, line in enumerate(lines):
        if found in fold(line):
            return at + 1, fold(line)
    for at in range(len(lines)):
        if found in fold(" ".join(lines[at : at + 4])):
            return at + 1, found
    return None, found


def _described(prose: str) -> Answer | None:
    hits = descriptions(prose)
    if not hits:
        return None
    best = hits[0]
    why = f"the text holds no message of a program; it describes this (`{best.text}`)."
    return Answer(
        text=fold(prose),
        certainty="possible",
        why=why,
        failure=best.entry,
        others=tuple(hit.entry for hit in hits[1:4]),
    )


def _next(answer: Answer | None) -> tuple[str, ...]:
    """What to do next: the failure's own advice, or what this machine can tell of an unknown text."""
    if answer is None:
        return ()
    if answer.failure:
        return answer.failure.next
    if answer.message:
        return ()
    asked = [told for names, told in _PROBED if re.search(names, answer.text, re.IGNORECASE)]
    probe = f"`rotcheck probe` runs {', '.join(asked)} on this machine" if asked else ""
    return tuple(filter(None, (probe, _CONTRIBUTE)))


_PROBED = (
    (r"cuda|nvidia|nvrtc|\bgpu\b|cudnn|nccl", "a kernel on each CUDA device and names driver and wheel"),
    (r"\bmps\b|metal|macos", "a kernel on MPS"),
    (r"\bxpu\b|sycl|level.?zero", "a kernel on XPU"),
    (r"\bnpu\b|ascend|acl", "a kernel on the NPU"),
    (r"hip|rocm|gfx\d", "a kernel on the ROCm device"),
    (r"triton|ptxas", "Triton's compiler"),
    (r"inductor|dynamo|torch\.compile|g\+\+|gcc|clang", "torch.compile's compilers"),
    (r"flash.?attn|flash.?attention", "flash-attn's import"),
    (r"torchscript|torch\.jit|\bfuser\b", "TorchScript under each executor"),
)
_CONTRIBUTE = "if its cause is known to you, add it: docs/add-a-failure.md (one file)"
