"""The front's record of one worker process: its job, where it stands in it, and how to end it."""

import contextlib
import json
import os
import signal
import socket
import struct
import tempfile
import time
from multiprocessing.connection import Connection
from typing import IO, Any

import psutil

from rotcheck.isolation.memory import GIB
from rotcheck.isolation.outcome import Job, Outcome
from rotcheck.isolation.traces import last_lines, of_fault

HANG_AGAIN = 10  # after a hang, the job's next tasks get this fraction of the time limit
STALL = 3  # seconds without a byte in the middle of a message
TAIL = 65536  # bytes of output of which the last lines are taken


class Handle:
    """A worker process as the front sees it."""

    def __init__(self, number: int, job: Job, first: int, hung: bool) -> None:
        self.number, self.job, self.first, self.hung = number, job, first, hung
        self.at: int | None = None  # the task it works at; None: it opens the job
        self.pid: int | None = None
        self.began = time.monotonic()
        self.kill_at: float | None = None
        self.last_look = self.began  # when its memory was looked at
        self.ending: Outcome | None = None  # why it was ended, when the front ended it
        self.output: IO[bytes] = tempfile.TemporaryFile()
        self.errors: IO[bytes] = tempfile.TemporaryFile()
        ours, theirs = socket.socketpair()
        # half a message must not block the other workers
        for wait in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            ours.setsockopt(socket.SOL_SOCKET, wait, struct.pack("@ll", STALL, 0))
        self.connection = Connection(ours.detach())
        self._theirs = theirs

    def descriptors(self) -> list[int]:
        """What the worker process needs: connection, standard output, standard error."""
        return [self._theirs.fileno(), self.output.fileno(), self.errors.fileno()]

    def limit(self) -> float:
        """The time limit of what it does now, in seconds."""
        if self.at is None:
            return self.job.opening_limit
        if self.hung:
            return min(max(self.job.least, self.job.limit / HANG_AGAIN), self.job.limit)
        starts = self.job.slow_start and self.at == self.first
        return max(self.job.opening_limit, self.job.limit) if starts else self.job.limit

    def begin(self, pid: int) -> None:
        """Note that the process runs, and tell it to open its job."""
        self.pid = pid
        self._theirs.close()
        self._send("open", [self.job.target, self.job.setup])

    def next_task(self) -> bool:
        """Send the next task; return False when there is none."""
        self.at = self.first if self.at is None else self.at + 1
        if self.at == len(self.job.tasks):
            return False
        self._send("task", self.job.tasks[self.at])
        return True

    def _send(self, kind: str, message: Any) -> None:
        self.began = self.last_look = time.monotonic()
        with contextlib.suppress(OSError):  # it is gone already; its end will be reported
            self.connection.send_bytes(json.dumps([kind, message]).encode())

    def end(self, why: Outcome, *, grace: float) -> None:
        """End the process: at once, or by an abort with so many seconds to leave its traceback."""
        self.ending = why
        self.kill_at = time.monotonic() + grace
        self.kill(signal.SIGABRT if grace else signal.SIGKILL)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the process, and SIGKILL to its whole group."""
        if self.pid is None:
            return
        for send in (os.kill, os.killpg) if number is signal.SIGKILL else (os.kill,):
            with contextlib.suppress(ProcessLookupError, PermissionError):  # it ended by itself
                send(self.pid, number)

    def memory_gib(self) -> float:
        """The memory that the process and its children hold, in GiB; 0 when it is gone.

        What forked children share with it counts once, where the system can tell.
        """
        try:
            process = psutil.Process(self.pid)
            children = process.children(recursive=True)
            resident: int = process.memory_info().rss
            for child in children:
                full = child.memory_full_info()
                resident += getattr(full, "uss", full.rss)
            return resident / GIB
        except psutil.Error:
            return 0.0

    def remains(self) -> tuple[tuple[str, ...], str]:
        """The frames, and the last lines of output."""
        errors = tail(self.errors)
        return of_fault(errors), last_lines(errors) or last_lines(tail(self.output))

    def close(self) -> None:
        """End the process group and release what the front holds of it."""
        self.kill()
        for resource in (self.connection, self._theirs, self.output, self.errors):
            resource.close()


def tail(file: IO[bytes]) -> str:
    """The end of a file."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL))
    return file.read().decode(errors="replace")
