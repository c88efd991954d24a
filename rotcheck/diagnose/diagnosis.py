"""What is known of one message of a log: which failure it is or what it means in general, how sure,
and why."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Literal

import msgspec

from rotcheck.diagnose.company import means_rotary
from rotcheck.diagnose.general import Message
from rotcheck.diagnose.knowledge import Failure
from rotcheck.diagnose.match import Hit, context, failures, fold, messages, rank
from rotcheck.log.events import Event, Frame

NOT_KNOWN = "rotcheck knows no failure and no general message with this text."
GENERAL = "many things cause this message, and nothing near it says which."
ALONE = "only this failure prints this message."

Certainty = Literal["certain", "likely", "possible", "general", "unknown"]
"""`certain`: the message is this failure's alone.

`likely`: several things cause it, and something beside it names this one. `possible`: recognised
from a description. `general`: what the message means, whatever caused it.
"""


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
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


def of_event(event: Event) -> Diagnosis:
    """What is known of an event by itself."""
    readings = event.readings or (event.text,)
    if event.frames:
        readings = (*readings, f"{_frame_text(event.frames[-1])} {event.text}")
    about = partial(
        Diagnosis, line=event.line, text=event.text, kind=event.kind, process=event.process
    )
    for failure, text in _failures(readings):
        if not failure.context or context(failure, text):
            return about(certainty="certain", why=ALONE, failure=failure)
        if evidence := _evidence(failure, event):
            why = f"several things cause this message, and {evidence}."
            return about(certainty="likely", why=why, failure=failure)
    cpp_texts = [reading.partition("what(): ")[2] for reading in readings]  # what C++ died of
    general = [hit.entry for reading in (*cpp_texts, *readings) for hit in messages(reading)]
    general = general or [hit.entry for hit in messages(event.text, without_blanks=True)]
    if general:
        return about(certainty="general", why=GENERAL, message=general[0])
    return about(certainty="unknown", why=NOT_KNOWN)


def _frame_text(frame: Frame) -> str:
    return f'File "{frame.file}", line {frame.line}, in {frame.function} {frame.source}'


def _failures(readings: Sequence[str]) -> list[Hit[Failure]]:
    """The failures whose signature one of the readings holds, the most specific first."""
    hits = {hit.entry.id: hit for reading in readings for hit in failures(reading)}
    hits = hits or {hit.entry.id: hit for hit in failures(readings[0], without_blanks=True)}
    return sorted(hits.values(), key=rank)


def _evidence(failure: Failure, event: Event) -> str | None:
    """What beside the message speaks of this failure:
    the innermost frame first, then what stands around it."""
    around = "\n".join([*map(_frame_without_folders, event.frames), event.text, event.nearby])
    for frame in reversed(event.frames):
        words = context(failure, _frame_without_folders(frame))
        if words and means_rotary(words, _frame_without_folders(frame), around):
            return f"its frame {_place(frame)} names what this failure is about"
    words = context(failure, event.text)
    if words:
        return f"it names `{fold(words)}`"
    words = context(failure, event.nearby) if not event.frames else None
    if words and means_rotary(words, event.nearby, around):
        return f"a line next to it names `{fold(words)}`"
    return None


def _frame_without_folders(frame: Frame) -> str:
    """The frame without folders that a user named: a project called rope is no rotary code."""
    path = re.split(r"[/\\](?:site|dist)-packages[/\\]", frame.file)
    file = path[-1] if len(path) > 1 else "/".join(re.split(r"[/\\]", frame.file)[-2:])
    return f"{file} {frame.function} {frame.source}"


def _place(frame: Frame) -> str:
    name = re.split(r"[/\\]", frame.file)[-1]
    place = f"`{name}:{frame.line}`" if frame.line else f"`{name}`"
    return f"{place} in `{frame.function}`" if frame.function else place
