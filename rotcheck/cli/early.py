"""Before anything is begun, a signal ends rotcheck at once, with its exit code and one line."""

import os
import signal

from rotcheck.cli.codes import INTERRUPTED

TYPE_CHECKING = False  # as `typing` has it, without importing that
if TYPE_CHECKING:
    from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


def catch() -> None:
    """Have each of them end the process as it stands; one that the caller ignores or handles stays so."""
    for name in NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            try:
                signal.signal(number, leave)
            except ValueError:  # not in the main thread: whoever called from another one keeps the signals
                return


def leave(number: int, frame: "FrameType | None") -> None:
    """Say that nothing was finished, and end."""
    try:
        os.write(2, b"rotcheck: interrupted before anything was finished\n")
    finally:
        os._exit(INTERRUPTED)


USUAL = (signal.SIG_DFL, signal.default_int_handler, leave)
"""The handlers that rotcheck may put its own in the place of."""
