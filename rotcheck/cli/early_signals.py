"""Before anything is begun, a signal ends rotcheck at once, with its exit code and one line."""

import os
import signal

from rotcheck.cli import stderr
from rotcheck.exit_codes import INTERRUPT

TYPE_CHECKING = False  # as `typing` has it, without importing that
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


def leave(number: int, frame: "FrameType | None") -> None:
    """Say that nothing was finished, and end."""
    try:
        stderr.say(stderr.NOTHING_FINISHED)
    finally:
        os._exit(INTERRUPT)


USUAL = (signal.SIG_DFL, signal.default_int_handler, leave)
"""The handlers that rotcheck may put its own in the place of."""


def catch(handler: "Callable[[int, FrameType | None], object]" = leave) -> None:
    """Have each of them call the handler; one that the caller ignores or handles stays so."""
    for name in NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in USUAL:
            try:
                signal.signal(number, handler)
            # not in the main thread: whoever called from another one keeps the signals
            except ValueError:
                return
