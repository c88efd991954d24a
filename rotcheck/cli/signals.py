"""SIGINT, SIGTERM and SIGHUP: the first one ends a run, what follows soon after does not disturb its end."""

import signal
import time
from collections.abc import Callable
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
PATIENCE = 10.0  # seconds for clean-up and output, before another signal counts again


def catch() -> None:
    """Have each of them raise `KeyboardInterrupt`; one that the caller ignores stays ignored."""
    usual = (signal.SIG_DFL, signal.default_int_handler)
    _handle([number for number in _numbers() if signal.getsignal(number) in usual], _Interrupt())


def ignore() -> None:
    """Let none of them disturb what is left: not even Python's own end, which gives up its handlers."""
    _handle(_numbers(), signal.SIG_IGN)


class _Interrupt:
    """The handler: raises at the first signal, and again only when its end seems to hang."""

    def __init__(self) -> None:
        self._first: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._first is not None and now - self._first < PATIENCE:
            return
        self._first = now
        raise KeyboardInterrupt


def _numbers() -> list[signal.Signals]:
    return [getattr(signal, name) for name in NAMES if hasattr(signal, name)]


def _handle(
    numbers: list[signal.Signals], handler: Callable[[int, FrameType | None], None] | signal.Handlers
) -> None:
    for number in numbers:
        try:
            signal.signal(number, handler)
        except ValueError:  # not in the main thread: whoever called from another one keeps the signals
            return
