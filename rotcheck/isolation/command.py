"""Runs an external program (`nvidia-smi`, `g++`) that may hang, crash or not exist."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence

from rotcheck.isolation.outcome import Died, Outcome, Raised, Returned, TimedOut
from rotcheck.isolation.traces import last_lines

STUCK = 1.0  # seconds to wait for a program to end after SIGKILL


def command(arguments: Sequence[str], *, limit: float, text: str = "") -> Outcome:
    """Run a program with `text` on its standard input and return what became of it.

    `Returned` carries its standard output as a string. A program that cannot be started is `Raised`, one
    that ends with another exit code than 0 or by a signal is `Died`; one over `limit` seconds is `TimedOut`,
    and it and its children are ended.
    """
    started = time.perf_counter()
    try:
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        return Raised(type(error).__name__, error.strerror or str(error), ())
    try:
        out, err = process.communicate(text, timeout=limit)
    except subprocess.TimeoutExpired:
        return TimedOut(limit, ())
    finally:
        _end(process)
    if process.returncode:
        return Died(process.returncode, (), last_lines(err or out))
    return Returned(out, time.perf_counter() - started)


def _end(process: subprocess.Popen[str]) -> None:
    """End the program and whatever it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError:  # macOS says so of a group that is only a zombie
        return
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):  # one stuck in its driver cannot be ended
            process.wait(STUCK)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
