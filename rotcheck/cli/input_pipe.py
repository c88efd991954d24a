"""Keeps the program alive that writes into our standard input:
the pipe is read to its end, whatever happens here."""

import contextlib
import os
import stat
import sys
from types import FrameType

from rotcheck.cli import early_signals, stderr

_BLOCK = 1 << 16
_interruptions: list[bool] = []  # one for each interruption
READING_ON = (
    "reading on, so that the program that writes to this pipe can end as it would without rotcheck"
)


def is_requested() -> bool:
    """Whether the command line says `-` to rotcheck itself, and standard input is a pipe."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return False
    if sys.argv[1:2] == ["watch"]:  # whose program reads it
        return False
    has_dash = any(word in ("-", "/dev/stdin") for word in sys.argv[2:])
    return has_dash and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))


def shield() -> None:
    """Have the first Ctrl-C only be noted: it goes to the writer as well,
    which may save its work first."""
    with contextlib.suppress(Exception):  # without handlers the pipe is still read to its end
        early_signals.catch(_interrupt)


def was_interrupted() -> bool:
    """Whether somebody pressed Ctrl-C while the pipe was read."""
    return bool(_interruptions)


def drain() -> None:
    """Read what is left in the pipe, unless somebody interrupted twice."""
    said_so = False
    while len(_interruptions) < 2:
        try:
            block = os.read(0, _BLOCK)
        except (OSError, KeyboardInterrupt):
            return
        if not block:
            return
        if not said_so:
            stderr.say(f"rotcheck: {READING_ON}")
            said_so = True


def _interrupt(number: int, frame: FrameType | None) -> None:
    _interruptions.append(True)
    if len(_interruptions) > 1:
        raise KeyboardInterrupt
    stderr.say(f"rotcheck: interrupted; {READING_ON}. Ctrl-C again stops it")
