"""Frames and last lines, short enough for a report and without the paths of this machine."""

import re
import traceback

from rotcheck.frames import is_own
from rotcheck.scrub import scrub, shorten_path

FRAMES = 5
LONGEST = 500  # characters of a line
_FAULT = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+) in (?P<name>.*)$', re.MULTILINE)
_NOISE = re.compile(
    r"^(Fatal Python error|Current thread|Thread 0x|Extension modules|  File |  <|$|  \.\.\.)"
)


def of_exception(error: BaseException) -> tuple[str, ...]:
    """The innermost frames of an exception, innermost first."""
    frames = traceback.extract_tb(error.__traceback__)
    return _short([(frame.filename, str(frame.lineno), frame.name) for frame in reversed(frames)])


def of_fault(dump: str) -> tuple[str, ...]:
    """The innermost frames of a faulthandler dump's current thread, innermost first."""
    _, marker, current = dump.rpartition("Current thread")
    thread = (marker and current) or dump
    return _short([(m["file"], m["line"], m["name"]) for m in _FAULT.finditer(thread)])


def last_lines(output: str, count: int = 3) -> str:
    """The last lines that are not part of a traceback, scrubbed."""
    lines = [line[:LONGEST] for line in output.splitlines() if not _NOISE.match(line)]
    return scrub("\n".join(lines[-count:]))


def _short(frames: list[tuple[str, str, str]]) -> tuple[str, ...]:
    visible = [frame for frame in frames if not frame[0].startswith("<") and not is_own(frame[0])]
    return tuple(f"{shorten_path(file)}:{line} in {name}" for file, line, name in visible[:FRAMES])
