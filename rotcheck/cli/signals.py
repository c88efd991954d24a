"""SIGINT, SIGTERM and SIGHUP: the first one ends a run,
what follows soon after does not disturb its end."""

import contextlib
import signal
import threading
import time
from types import FrameType

from rotcheck.cli import early_signals

PATIENCE = 10.0  # seconds for clean-up and output, before another signal counts again
AGAIN = 0.01  # seconds until a signal that came amid an import comes again
AT_MOST = 100  # times that it is put off


def catch() -> None:
    """Have each of them raise `KeyboardInterrupt`; one that the caller ignores stays ignored."""
    early_signals.catch(_Interrupt())


def ignore() -> None:
    """Let none of them disturb what is left:
    not even Python's own end, which gives up its handlers."""
    for name in early_signals.NAMES:
        number = getattr(signal, name, None)
        if number is not None:
            with contextlib.suppress(
                ValueError
            ):  # not in the main thread: the caller keeps the signals
                signal.signal(number, signal.SIG_IGN)


class _Interrupt:
    """The handler: raises at the first signal, and again only when its end seems to hang.

    Not amid an import: Python's import drops an exception that is raised in its own callbacks, and
    one that is raised while it takes the lock of a module leaves that lock taken.
    """

    def __init__(self) -> None:
        self._first: float | None = None
        self._put_off = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._first is not None and now - self._first < PATIENCE:
            return
        if self._put_off < AT_MOST and _imports(frame):
            self._put_off += 1
            main = threading.main_thread().ident or 0
            threading.Timer(AGAIN, signal.pthread_kill, [main, number]).start()
            return
        self._first = now
        raise KeyboardInterrupt


def _imports(frame: FrameType | None) -> bool:
    """Whether an import is under way in this frame or one of its callers."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
