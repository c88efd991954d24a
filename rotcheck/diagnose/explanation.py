"""From a log to what ended its run: the failure, or what the message means in general, or that it is not known."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from rotcheck.diagnose.answer import GENERAL, UNKNOWN, Answer, of_event
from rotcheck.diagnose.match import fold
from rotcheck.diagnose.words import is_code, of_words
from rotcheck.log.events import Event, Log

SCHEMA = "rotcheck/explanation/1"
BEFORE, AFTER = 50, 20  # lines within which an error may say why the run ended
SHORT = 40  # lines of a text that was picked out of a log
PICKED = 4  # the least in which a run shows that it goes well
_SLIP = re.compile("NameError|UnboundLocalError")  # nobody raises them on purpose

Outcome = Literal["failed", "unclear", "well", "words", "code", "unknown"]
"""`failed`: an event ended the run. `unclear`: errors, of which none is known to have ended it. `well`: nothing ended
it. `words`: no message of a program, but a description that is recognised. `code`: lines of programs, which only
quote messages. `unknown`: nothing that is recognised."""


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
    # what ended the run, where the answer is another message that led to it
    crash: Answer | None = None
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
    answers = [of_event(event) for event in log.events]
    if all(
        answer.certainty == "unknown" and _is_a_line(event)
        for answer, event in zip(answers, log.events, strict=True)
    ):
        words = _words(log)
        if words:
            return words
    if log.ended_by is not None:
        return _failed(log, answers, log.ended_by)
    known = [at for at, answer in enumerate(answers) if answer.certainty != "unknown"]
    errors = [
        at for at, event in enumerate(log.events) if event.kind != "warning" and not event.handled
    ]
    if errors:
        return _unclear(log, answers, errors)
    return _well(log, answers, known)


def _is_a_line(event: Event) -> bool:
    """Whether it is one line that sounds like an error, as a sentence of a person may."""
    return event.kind in ("error", "warning") and not event.frames


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
    line, entry = f"line {ended.line}", ended.failure or ended.message
    for at, other in enumerate(answers):
        if entry and other.failure and other.failure.id in entry.explained_by:
            return at, _because(other, f"the message of {line}, which ended the run, comes of this")
    if ended.failure:
        return end, ended
    for at in _chain(log, end):
        if answers[at].failure:
            return at, _because(
                answers[at], f"the exception of {line} came of this one, as the traceback says"
            )
        if answers[at].message and _SLIP.match(ended.text):
            why = f"{GENERAL} L{line[1:]}, which ended the run, is a slip in the code that handles it."
            return at, msgspec.structs.replace(answers[at], why=why)
    for at in _around(log, end):
        if answers[at].failure:
            return at, _because(
                answers[at],
                f"it stands near {line}, which ended the run and is not known by itself",
            )
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


def _words(log: Log) -> Explanation | None:
    answer = of_words(log.prose)
    if answer is None:
        return None
    return Explanation(
        outcome="words" if answer.certainty == "possible" else "unclear",
        lines=log.lines,
        size=log.size,
        answer=answer,
        next=_next(answer),
    )


def _well(log: Log, answers: Sequence[Answer], known: Sequence[int]) -> Explanation:
    """Nothing ended the run; of a short text, which somebody picked out, what is known is the answer."""
    best = known[-1] if known and log.lines <= SHORT else None
    for at in known:
        if best is not None and answers[at].failure and not answers[best].failure:
            best = at
    answer = answers[best] if best is not None else None
    quiet = log.running and log.lines >= PICKED
    nothing = answer is None and not log.events and log.lines <= SHORT and not quiet
    if nothing and is_code(log.prose):
        return Explanation(outcome="code", lines=log.lines, size=log.size)
    if nothing:
        answer = Answer(text=fold(log.prose), certainty="unknown", why=UNKNOWN)
    return Explanation(
        outcome="unknown" if nothing else "well",
        lines=log.lines,
        size=log.size,
        answer=answer,
        also=_also(log, answers, set() if best is None else {best}, answer),
        next=_next(answer),
    )


def _also(
    log: Log, answers: Sequence[Answer], told: set[int], answer: Answer | None
) -> tuple[Seen, ...]:
    """The other events that are known, each failure once, where it is first seen."""
    ids = {_id(answer)} if answer else set()
    seen = []
    for at, other in enumerate(answers):
        entry = other.failure or other.message
        if at in told or entry is None or entry.id in ids or other.line is None:
            continue
        ids.add(entry.id)
        kind = "handled" if log.events[at].handled and other.kind != "warning" else other.kind
        seen.append(
            Seen(line=other.line, kind=kind, text=other.text, id=entry.id, title=entry.title)
        )
    return tuple(seen)


def _id(answer: Answer) -> str | None:
    entry = answer.failure or answer.message
    return entry.id if entry else None


def _next(answer: Answer | None) -> tuple[str, ...]:
    """What to do next: the failure's own advice, or what this machine can tell of an unknown text."""
    if answer is None:
        return ()
    if answer.failure:
        return answer.failure.next
    if answer.message:
        return ()
    asked = [told for names, told in _PROBED if re.search(names, answer.text, re.IGNORECASE)]
    probe = f"`rotcheck probe` runs {', '.join(asked)} on this machine" if asked else _RUN
    return probe, _CONTRIBUTE


_PROBED = (
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
