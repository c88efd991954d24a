"""The worker process: opens one job and answers its tasks; what they do to it ends with it.

Its answers go over a connection of their own, as JSON. Its standard output and error go to files;
the front reads the end of these when the worker died.
"""

import ctypes
import faulthandler
import importlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import psutil

from rotcheck.isolation.traces import of_exception
from rotcheck.scrub import scrub

LONGEST_MESSAGE = 4000
LARGEST_FILE = 1 << 30  # bytes: endless output hits this limit before the disk is full

_needs_successor = False


def spend() -> None:
    """Have a new process do the rest of the job: what was done to this one cannot be undone."""
    global _needs_successor
    _needs_successor = True


def main(connection: int, output: int, errors: int) -> None:
    """Serve one job over the connection, then end the process at once,
    without any clean-up of others' code.

    The three are file descriptors: the connection,
    and the files for standard output and standard error. Returns only where the front is content
    with the opening alone: of a groundwork, from which workers are forked from then on.
    """
    _settle(output, errors)
    front, worker, grown = Connection(connection), os.getpid(), False
    handler: Callable[[Any], Any] | None = None
    while True:
        try:
            kind, message = json.loads(front.recv_bytes())
        except EOFError:
            os._exit(0)
        if kind == "fork":
            return
        start = time.perf_counter()
        try:
            if kind == "open":
                threads = _count_threads()
                handler, answer = _open(*message), None
                grown = _count_threads() > threads
            else:
                assert handler is not None, "a task came before its job was opened"
                answer = handler(message)
            seconds = time.perf_counter() - start
            reply = _encode(
                {"value": answer, "seconds": seconds, "spent": _needs_successor, "threads": grown}
            )
        # a SystemExit or KeyboardInterrupt of the code under test is an answer, not the end
        except BaseException as error:
            unopened = kind == "open" and not _is_imported(message[0])
            reply = _encode({"raised": _describe(error), "unopened": unopened})
        # a child that the code under test forked and that returned here: one answer is enough
        if os.getpid() != worker:
            os._exit(0)
        front.send_bytes(reply)


def _count_threads() -> int:
    """The threads of this process; what is forked from it has one, whatever the others held."""
    return psutil.Process().num_threads()


def _is_imported(target: str) -> bool:
    """Whether the target's module was imported; if not, rotcheck's own worker code could not be."""
    return target.partition(":")[0] in sys.modules


def _encode(reply: dict[str, Any]) -> bytes:
    # file names may not be UTF-8
    return json.dumps(reply, ensure_ascii=False).encode(errors="replace")


def _open(target: str, setup: Any) -> Callable[[Any], Any]:
    module, _, name = target.partition(":")
    handler: Callable[[Any], Any] = getattr(importlib.import_module(module), name)(setup)
    return handler


def _settle(output: int, errors: int) -> None:
    """Detach from the front's terminal, die with the server, write to files, leave no core file."""
    if os.getsid(0) != os.getpid():
        os.setsid()
    die_with_parent()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (errors, 2)):
        os.dup2(source, target)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, LARGEST_FILE)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faulthandler.enable(errors)  # a descriptor of its own: the code under test may close the others


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    if hard == resource.RLIM_INFINITY or hard > value:
        resource.setrlimit(limit, (value, hard))


def die_with_parent(*, really: bool = True) -> None:
    """Have the system end this process when its parent ends, or no longer, where it can (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL if really else 0)


def _describe(error: BaseException) -> list[Any]:
    """Class, message and frames of an exception, even if its own methods raise."""
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    try:
        message = str(error)
    except BaseException as second:  # __str__ of the code under test may raise anything
        message = f"(its message cannot be read: str() raised {type(second).__name__})"
    if isinstance(error, SyntaxError) and error.text:
        message = f"{message}: {error.text.strip()}"
    return [f"{module}{kind.__qualname__}", scrub(message[:LONGEST_MESSAGE]), of_exception(error)]
