"""The worker process: opens one job, answers its tasks, and survives nothing that they do to it.

Its answers go over a connection of their own, as JSON; its standard output and error go to files of which
the front reads the end when it died.
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

from rotcheck.isolation.traces import of_exception
from rotcheck.scrub import scrub

LONGEST_MESSAGE = 4000
LARGEST_FILE = 1 << 30  # bytes: whoever prints without end meets this before the disk is full

_spent = False


def spend() -> None:
    """Have a new process do what is left of the job: something was done to this one that cannot be undone."""
    global _spent
    _spent = True


def main(connection: int, output: int, errors: int) -> None:
    """Serve one job over the connection, then end the process at once, without any clean-up of others' code.

    The three are file descriptors: the connection, and the files for standard output and standard error.
    """
    _settle(output, errors)
    front, worker = Connection(connection), os.getpid()
    handler: Callable[[Any], Any] | None = None
    while True:
        try:
            kind, message = json.loads(front.recv_bytes())
        except EOFError:
            os._exit(0)
        started = time.perf_counter()
        try:
            if kind == "open":
                handler, answer = _open(*message), None
            else:
                assert handler is not None, "a task came before its job was opened"
                answer = handler(message)
            seconds = time.perf_counter() - started
            reply = _encode({"value": answer, "seconds": seconds, "spent": _spent})
        # a SystemExit or KeyboardInterrupt of theirs is an answer, not an end
        except BaseException as error:
            reply = _encode(
                {
                    "raised": _describe(error),
                    "unopened": kind == "open" and not _imported(message[0]),
                }
            )
        if (
            os.getpid() != worker
        ):  # a child that their code forked, and that came back here: one answer is enough
            os._exit(0)
        front.send_bytes(reply)


def _imported(target: str) -> bool:
    """Return whether the target's module is there; if not, rotcheck's own worker code could not be imported."""
    return target.partition(":")[0] in sys.modules


def _encode(reply: dict[str, Any]) -> bytes:
    # of file names that are no UTF-8
    return json.dumps(reply, ensure_ascii=False).encode(errors="replace")


def _open(target: str, setup: Any) -> Callable[[Any], Any]:
    module, _, name = target.partition(":")
    opened: Callable[[Any], Any] = getattr(importlib.import_module(module), name)(setup)
    return opened


def _settle(output: int, errors: int) -> None:
    """Leave the front's terminal, die with the server, write to files, leave no core file."""
    if os.getsid(0) != os.getpid():
        os.setsid()
    die_with_parent()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (errors, 2)):
        os.dup2(source, target)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, LARGEST_FILE)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faulthandler.enable(errors)  # a descriptor of its own: theirs may be closed


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    if hard == resource.RLIM_INFINITY or hard > value:
        resource.setrlimit(limit, (value, hard))


def die_with_parent(*, really: bool = True) -> None:
    """Have the system end this process when the one that started it ends, or not, where it can (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL if really else 0)


def _describe(error: BaseException) -> list[Any]:
    """Return class, message and frames of an exception, whatever its own methods do."""
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    try:
        message = str(error)
    except BaseException as second:  # their __str__ may raise anything
        message = f"(its message cannot be read: str() raised {type(second).__name__})"
    if isinstance(error, SyntaxError) and error.text:
        message = f"{message}: {error.text.strip()}"
    return [name, scrub(message[:LONGEST_MESSAGE]), of_exception(error)]
