"""A slow function under test: that it is at work is shown,
and after a time limit the assertion fails.

Each step is a record of the logger `rotcheck.testing`, which pytest shows live with
`--log-cli-level=INFO`. On a terminal that is not captured (`pytest -s`, or no pytest) there is a
line besides, from the first second on.
"""

import ctypes
import logging
import os
import shutil
import sys
import threading
import time
from types import TracebackType
from typing import Self

from rotcheck.errors import RequestError
from rotcheck.isolation.traces import of_exception

LOG = logging.getLogger("rotcheck.testing")
QUIET = 1.0  # seconds in which nothing is shown
TICK = 0.5  # seconds between two looks at the clock
CLEAR = "\r\x1b[K"


class LimitReached(BaseException):
    """Raised in the thread of the assertion.

    It is no Exception: a search for calls would take that for an answer.
    """


class TimeLimit:
    """Watches a function for as long as the `with` block lasts.

    `seconds`: its limit, at which the block ends with an AssertionError.
    """

    def __init__(self, name: str, seconds: float) -> None:
        if not seconds > 0:
            raise RequestError(f"timeout={seconds!r}: a limit is more than 0 seconds")
        self._name, self._limit = name, seconds
        self._step, self._step_seconds = "", dict[str, float]()  # the seconds that each step took
        self._thread = threading.get_ident()
        self._over = threading.Event()
        self._over_limit = False
        self._line = (
            sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        )
        self._line_written = False

    def __enter__(self) -> Self:
        self._start = self._step_start = time.monotonic()
        self._watcher = threading.Thread(target=self._watch, daemon=True, name="rotcheck limit")
        self._watcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        __tracebackhide__ = True
        self._over.set()
        self._watcher.join()
        _interrupt(self._thread, None)  # one that is on its way has come too late
        if self._line_written:
            self._write(CLEAR)
        if self._over_limit and error is not None:
            raise AssertionError(self._message(error)) from None

    def step(self, description: str) -> None:
        """Say what is done next."""
        now = time.monotonic()
        self._end_step(now)
        self._step, self._step_start = description, now
        LOG.info("%s: %s", self._name, description)

    def _end_step(self, now: float) -> None:
        if self._step:
            self._step_seconds[self._step] = now - self._step_start

    def _watch(self) -> None:
        while not self._over.wait(min(TICK, self._limit)):
            seconds = time.monotonic() - self._start
            if self._line and seconds >= QUIET:
                self._show(seconds)
            if seconds >= self._limit:
                self._over_limit = True
                _interrupt(self._thread, LimitReached)

    def _show(self, seconds: float) -> None:
        if not self._line_written and "PYTEST_CURRENT_TEST" in os.environ:
            self._write("\n")  # behind the name of the file, which pytest has written
        self._line_written = True
        text = f"{self._name}: {self._step}, {seconds:.0f} s"
        self._write(CLEAR + text[: shutil.get_terminal_size().columns - 1])

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):  # closed meanwhile
            self._line = False

    def _message(self, error: BaseException) -> str:
        """Where the limit was reached, and what to do about it."""
        self._end_step(time.monotonic())
        slowest = sorted(self._step_seconds.items(), key=lambda step: -step[1])[:3]
        frames = of_exception(error)
        return "\n".join(
            [
                f"{self._name} was not checked to its end: the limit of {self._limit:g} s was reached while "
                + self._step,
                *(f"  at {frame}" for frame in frames[:1]),
                "  slowest: "
                + ", ".join(f"{description} {seconds:.1f} s" for description, seconds in slowest),
                "  Ask less (dtypes=[...], checks=[...]), say how it is called (pairing=..., layout=..., tables=..., "
                "arguments=...), or give it longer (timeout=...).",
            ]
        )


def _interrupt(thread: int, kind: type[BaseException] | None) -> None:
    """Raise an exception in a thread at its next step in Python; None: no longer."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(kind) if kind else None
    )
