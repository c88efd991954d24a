"""What a log tells, as plain data."""

from typing import Literal

import msgspec

Kind = Literal["exception", "fatal", "error", "warning"]
"""`exception`: raised by Python, with its traceback where one stands.

`fatal`: a signal, an abort or the system ended the process. `error`: a line that says of itself
that it is an error. `warning`: the same of a warning.
"""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One frame of a traceback."""

    file: str
    line: int | None = None
    function: str = ""
    source: str = ""  # the line of code, where the log shows it


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a log tells: an exception, a death, an error or a warning."""

    kind: Kind
    line: int  # of the log, from 1: where the message begins (below the frames, for a traceback)
    # the message without colours, prefixes and boxes; on one line, quotes straight, case kept
    text: str
    # `text` first, then the same message joined in other ways where it spans several lines: a
    # terminal breaks within words, an editor at blanks. A signature counts if one reading holds
    # it
    readings: tuple[str, ...] = ()
    frames: tuple[Frame, ...] = ()  # outermost first
    # the lines before and after it, cleaned: what else may say where it comes from
    nearby: str = ""
    process: str = (
        ""  # the rank or worker whose line it is, as its prefix names it; "" where nothing names it
    )
    handled: bool = False  # the run went on after it, or another exception came of it
    # index of the event that Python names as its cause ("direct cause", "During handling")
    cause: int | None = None


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """A log that was read to its end."""

    lines: int
    size: int  # bytes
    # in the order of their lines; of very many the first and the last of each kind
    events: tuple[Event, ...] = ()
    # index of the event that ended the run: the last exception of the first process that died
    ended_by: int | None = None
    # a line shows a run at work or at its good end, and none a person who writes
    running: bool = False
    prose: str = ""  # the whole text, cleaned, where it is short; "" where it is longer than 64 KiB
