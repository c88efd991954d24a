"""What the terminal can show: width, colour, characters."""

import os
import shutil
import sys
from typing import TextIO

from rotcheck.report.document import BAD, ELLIPSIS, GOOD, Display

WIDTH_IN_PIPES = 100  # columns when nobody's screen sets a width
NARROWEST, WIDEST = 40, 1000  # columns: a table of a million would take minutes and gigabytes


def display(stream: TextIO, *, no_color: bool) -> Display:
    """How to write to this stream."""
    return Display(
        width=width(), colour=colour(stream, no_color=no_color), ascii=not _takes_unicode(stream)
    )


def width() -> int:
    """COLUMNS, else the terminal's width, else a width that reads well in a log."""
    return min(max(NARROWEST, shutil.get_terminal_size((WIDTH_IN_PIPES, 24)).columns), WIDEST)


def colour(stream: TextIO, *, no_color: bool) -> bool:
    """Whether to write colours: not against the user's will,
    else on a terminal or when asked for."""
    if no_color or os.environ.get("NO_COLOR"):
        return False
    if any(
        os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")
    ):
        return True
    return is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal that knows how to move its cursor."""
    return (
        stream is not None
        and not stream.closed
        and stream.isatty()
        and os.environ.get("TERM") != "dumb"
    )


def _takes_unicode(stream: TextIO) -> bool:
    try:
        f"{GOOD}{BAD}{ELLIPSIS}─".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def output(name: str) -> TextIO | None:
    """The standard stream `stdout` or `stderr`,
    or None when the process was started without one."""
    stream: TextIO | None = getattr(sys, name)
    return stream if stream is not None and not stream.closed else None
