"""Runs an external program (`nvidia-smi`, `g++`) that may hang, crash or not exist."""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence

from rotcheck.isolation.outcome import Died, Outcome, Raised, Returned, TimedOut
from rotcheck.isolation.traces import last_lines

MOST = 1 << 20  # bytes of a program's output that are kept; the rest is read and dropped
STUCK = 1.0  # seconds to wait for a program to end after SIGKILL


def command(arguments: Sequence[str], *, limit: float, text: str = "") -> Outcome:
    """Run a program with `text`, no more than a pipe holds, on its standard input;
    return the outcome.

    `Returned` carries its standard output as a string. A program that cannot be started is
    `Raised`, one that ends with another exit code than 0 or by a signal is `Died`; one over `limit`
    seconds is `TimedOut`, and it and its children are ended.
    """
    start = time.perf_counter()
    try:
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return Raised(type(error).__name__, error.strerror or str(error), ())
    try:
        out, err = _output(process, text, start + limit)
        process.wait(max(0.0, start + limit - time.perf_counter()))
    except subprocess.TimeoutExpired:
        return TimedOut(limit, ())
    finally:
        _end(process)
    if process.returncode:
        return Died(process.returncode, (), last_lines(err or out))
    return Returned(out, time.perf_counter() - start)


def _output(process: subprocess.Popen[bytes], text: str, deadline: float) -> list[str]:
    """What the program wrote to standard output and error, at most `MOST` bytes each.

    Raises `TimeoutExpired` at the deadline.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with contextlib.suppress(BrokenPipeError):  # it does not read its input
        process.stdin.write(text.encode())
        process.stdin.close()
    buffers = {process.stdout.fileno(): b"", process.stderr.fileno(): b""}
    streams = list(buffers)
    while streams:
        ready, _, _ = select.select(streams, [], [], max(0.0, deadline - time.perf_counter()))
        if not ready:
            raise subprocess.TimeoutExpired(process.args, 0)
        for number in ready:
            piece = os.read(number, MOST)
            buffers[number] = (buffers[number] + piece)[:MOST]
            if not piece:
                streams.remove(number)
    return [part.decode(errors="replace") for part in buffers.values()]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it started."""
    # it is gone, which macOS calls a lack of permission where the group is only a zombie
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    # a process stuck in its driver cannot be killed
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STUCK)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
