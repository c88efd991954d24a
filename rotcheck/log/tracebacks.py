"""Finds the exceptions of Python: tracebacks with their frames, and messages without one."""

import re
from collections.abc import Sequence

from rotcheck.log.event_draft import Draft
from rotcheck.log.events import Frame
from rotcheck.log.wrapping import LogLine

HEADER = re.compile(
    r"(?P<before>.*?)(?:\+ Exception Group )?"
    r"Traceback(?:\s+of\s+TorchScript[\w, ]*)?\s+\(most\s+recent\s+call\s+last\) ?:?\s*$",
    re.IGNORECASE,
)
FRAME = re.compile(
    r'(?P<indent>\s*)File\s+"?(?P<file>[^"]+?)"?,\s+line\s+(?P<line>\d+)(?:,?\s+in\s+(?P<name>.*))?\s*$',
    re.IGNORECASE,
)
_UNFINISHED_FRAME = re.compile(
    r'\s*File "[^"]+$|\s*File "[^"]+", li?n?e? ?\d*,?\s*(?:in?)?$', re.IGNORECASE
)
LINK = re.compile(
    r"\s*(?:The above exception was the direct cause of|During handling of the above exception)",
    re.IGNORECASE,
)
_NAMES = (
    r"(?:Error|Exception|Interrupt|Exit|Fault|Failure|Timeout|Abort|Unsupported|Cancelled|NotFound)"
)
NAME_OF_EXCEPTION = re.compile(
    rf"(?P<name>(?:[A-Za-z_]\w*\.)*(?:[A-Z_]\w*?{_NAMES}|Exception|[A-Z]\w*_ERROR|StopIteration)(?:Group)?)"
    r"(?:\(\w+\))?\s*(?::\s*(?P<text>.*)|(?P<bare>))$"
)
_LOUD = re.compile(r"(?P<name>[A-Z_][A-Z_.]+(?:ERROR|EXCEPTION)):\s*(?P<text>.*)$")
_DOTTED_NAME = re.compile(
    r"(?P<name>[a-z_]\w*(?:\.\w+)*\.(?:exc|exceptions?|errors?"
    r"|symbolic_shapes)\.\w+)\s*(?::\s*(?P<text>.*)|(?P<bare>))$"
)
_ANY_MESSAGE = re.compile(
    r"(?P<name>[A-Za-z_][\w.]*)(?:\[\w+\])?(?::(?:\s+(?P<text>.*))?|(?P<bare>))$"
)
_INNER = re.compile(
    r"Caught \S+ in |Original Traceback|terminated with the following error|RemoteTraceback|RayTaskError"
    r"|ray::|ExceptionGroup|following exception|worker traceback|remote traceback|raised:$"
    r"|following operation failed",
    re.IGNORECASE,
)
_MOST_FRAMES = 400


def is_start(text: str) -> bool:
    """Whether a traceback begins here, or its frames without their heading."""
    return bool(HEADER.match(text) or FRAME.match(text))


def exception_in(text: str) -> re.Match[str] | None:
    """A line that names an exception and its message, without a traceback."""
    return NAME_OF_EXCEPTION.match(text) or _DOTTED_NAME.match(text) or _LOUD.match(text)


def traceback_at(lines: Sequence[LogLine], start: int) -> tuple[Draft | None, int]:
    """Read the traceback that begins at a line:
    (its exception, index of the line behind its first one).

    None where no exception stands below the frames. What else belongs to the message
    is left to the caller.
    """
    base = _indent(lines[start].text)
    frames: list[Frame] = []
    at = start + bool(HEADER.match(lines[start].text))
    strange = 0
    while at < len(lines) and strange < 12:
        text = lines[at].text
        if hit := FRAME.match(text):
            at, strange = _add_frame(frames, lines, at, hit), 0
        elif at > start and (HEADER.match(text) or LINK.match(text)):
            break
        elif _ends(text, base, frames):
            return Draft.at(lines[at], "exception", frames=tuple(frames)), at + 1
        elif _UNFINISHED_FRAME.match(text) and at + 1 < len(lines):
            at = _add_broken(frames, lines, at)
        else:
            strange += bool(text.strip()) and _indent(text) <= base
            at += 1
    return None, max(at, start + 1)


def has_inner(text: str) -> bool:
    """Whether the message says that another traceback, printed below it, is what went wrong."""
    return bool(_INNER.search(text))


def _ends(text: str, base: int, frames: Sequence[Frame]) -> bool:
    """Whether the line is the exception that a traceback ends with."""
    if _indent(text) > base + (0 if frames else 4):
        return False
    text = text.strip()
    return bool(
        exception_in(text) or (frames and (hit := _ANY_MESSAGE.match(text)) and _is_class(hit))
    )


def _is_class(hit: re.Match[str]) -> bool:
    """Whether a name can be an exception's: CamelCase, or with a module before it."""
    return not hit["name"].islower() or "." in hit["name"]


def _add_frame(frames: list[Frame], lines: Sequence[LogLine], at: int, hit: re.Match[str]) -> int:
    """Add the frame; returns the index behind it and its source."""
    at += 1
    source = ""
    if (
        at < len(lines)
        and _indent(lines[at].text) > len(hit["indent"])
        and not FRAME.match(lines[at].text)
    ):
        source = lines[at].text.strip()
        at += 1
    frame = Frame(
        file=hit["file"], line=int(hit["line"]), function=hit["name"] or "", source=source
    )
    if len(frames) < _MOST_FRAMES:
        frames.append(frame)
    return at


def _add_broken(frames: list[Frame], lines: Sequence[LogLine], at: int) -> int:
    """Add a frame whose line goes on in the next one, joined with a blank or without."""
    for blank in ("", " "):
        text = lines[at].text.rstrip() + blank + lines[at + 1].text.strip()
        if hit := FRAME.match(text):
            return _add_frame(frames, lines, at + 1, hit)
    return at + 1


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())
