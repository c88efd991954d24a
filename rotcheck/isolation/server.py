"""The server process: imports the heavy packages once, then forks a worker for each request.

A worker forked from it starts in about 15 ms with torch imported. The server itself never calls
into what it imported, so that every worker starts from the same untouched state and CUDA can still
be initialised. Why not `multiprocessing`'s forkserver: it re-imports the caller's main script in
each child, needs an `if __name__ == "__main__"` guard in library use, swallows what its preload
raised, and leaves no trace of a preload that crashed.
"""

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

import psutil

from rotcheck.isolation import worker_process
from rotcheck.isolation.outcome import CANNOT_FORK, CONNECTION_LOST

TRIES, PAUSE = 20, 0.1  # of forking, and seconds between two


def main(control: int, preload: Sequence[str]) -> None:
    """Import the packages named, then serve fork requests from
    the control socket until it closes."""
    faulthandler.enable()
    worker_process.die_with_parent()
    if sys.platform == "linux":
        # what a worker leaves running becomes our child, and can be found
        pr_set_child_subreaper = 36
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1)
    front = socket.socket(fileno=control)
    if _is_gone(front):  # it ended before the system was asked to end us with it
        os._exit(0)
    gc.disable()  # what is imported stays: looking for garbage in it takes a tenth of the time
    for name in preload:
        if not _import(name):
            _start_anew_without(preload)
    gc.enable()
    # from here on the closed socket says so, and there are workers to end
    worker_process.die_with_parent(really=False)
    _serve(front)


def _is_gone(front: socket.socket) -> bool:
    """Whether the front is gone."""
    try:
        return not front.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def _import(name: str) -> bool:
    """Import a package; return whether that went well."""
    try:
        importlib.import_module(name)
    except Exception:  # each worker will meet it again and report it
        return False
    return True


def _start_anew_without(preload: Sequence[str]) -> NoReturn:
    """Restart with nothing imported: an import
    that failed half-way would fail differently the second time."""
    os.execv(sys.executable, sys.orig_argv[: -len(preload)])


def _wake_on_child() -> socket.socket:
    """A socket that becomes readable when a child ends."""
    reading, writing = socket.socketpair()
    for end in (reading, writing):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing.detach())
    return reading


def _serve(front: socket.socket) -> NoReturn:
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, every page shared with the workers
    alarm = _wake_on_child()
    _tell(front, {"ready": True})
    while True:
        ready, _, _ = select.select([front, alarm], [], [])
        if alarm in ready:
            alarm.recv(4096)
            _report_ends(front)
        if front in ready:
            request, descriptors, _, _ = socket.recv_fds(front, 4096, 4)
            if not request:
                _end_children()
                os._exit(0)
            _fork(front, int(request), descriptors)


def _end_children() -> None:
    """End the workers and what they left running: the front is gone."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _fork(front: socket.socket, number: int, descriptors: list[int]) -> None:
    pid = _fork_or_wait(front)
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        front.close()
        try:
            connection, output, errors, *control = descriptors
            worker_process.main(connection, output, errors)
            _serve(socket.socket(fileno=control[0]))  # of a groundwork: it is laid
        finally:
            os._exit(CONNECTION_LOST)  # it failed: never fall through into the server's own loop
    for descriptor in descriptors:
        os.close(descriptor)
    _tell(front, {"started": number, "pid": pid})


def _fork_or_wait(front: socket.socket) -> int:
    """Fork; if no process can be started, wait for others to end, and give up if none does."""
    for _ in range(TRIES):
        try:
            return os.fork()
        except OSError:
            time.sleep(PAUSE)
            _report_ends(front)
    os._exit(CANNOT_FORK)


def _report_ends(front: socket.socket) -> None:
    """Report every child that ended, after ending what it left in its process group."""
    while True:
        try:
            child = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if child is None:
            return
        # it may not have led a group
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.si_pid, signal.SIGKILL)
        _, end = os.waitpid(child.si_pid, 0)
        _tell(front, {"ended": child.si_pid, "status": os.waitstatus_to_exitcode(end)})


def _tell(front: socket.socket, news: dict[str, Any]) -> None:
    front.send(json.dumps(news).encode())
