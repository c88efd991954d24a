"""Turns every way in which a command can end into an exit code of the contract."""

import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType

from rotcheck.errors import RequestError

REQUEST, FAILED, INTERRUPTED = 2, 3, 130


def guarded(run: Callable[[], int]) -> int:
    """Run a command and return its exit code; what went wrong is told on standard error."""
    _stop_on_signals()
    try:
        return _told(run)
    except Exception as error:
        return _failed(error)


def _told(run: Callable[[], int]) -> int:
    try:
        return run()
    except RequestError as error:
        say(f"rotcheck: {error}")
        return REQUEST
    except KeyboardInterrupt:
        say("rotcheck: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        quiet_stdout()
        return 0
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 0
    except Exception as error:
        code = _usage(error)
        if code:
            return code
        raise


def say(text: str) -> None:
    """Write a line to standard error, wherever that leads."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, full or not there
        sys.stderr.write(text.encode(sys.stderr.encoding or "utf-8", "backslashreplace").decode() + "\n")
        sys.stderr.flush()


def quiet_stdout() -> None:
    """Let what is still to be written to a closed pipe go nowhere, so that Python's own end says nothing."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop_on_signals() -> None:
    """Have SIGTERM and SIGHUP end a run as Ctrl-C does; one that the caller ignores stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _usage(error: Exception) -> int:
    """Show a mistake in the command line and return its exit code; 0 when it is another error.

    Newer versions of Typer carry click inside, older ones import it: what their errors share is used.
    """
    import typer

    if isinstance(error, typer.Abort):
        say("rotcheck: interrupted")
        return INTERRUPTED
    show = getattr(error, "format_message", None)
    if show is None or not hasattr(error, "exit_code"):
        return 0
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        say(str(getattr(error, "message", show())))
    else:
        usage = f"{context.get_usage()}\nTry '{context.command_path} --help'.\n\n" if context else ""
        say(f"{usage}rotcheck: {show()}")
    return REQUEST


def _failed(error: Exception) -> int:
    """Say that rotcheck itself failed, what to report and where."""
    from rotcheck.scrub import scrub

    trace = "".join(traceback.format_exception(error)).rstrip()
    say(
        f"rotcheck itself failed ({type(error).__name__}); this is not a finding about your machine.\n"
        f"Please report the command, the output of `rotcheck probe --format markdown` and the lines below\n"
        f"at {_issues()}\n\n{scrub(trace)}"
    )
    return FAILED


def _issues() -> str:
    """Return where to report, from the package's own metadata."""
    from importlib import metadata

    try:
        urls = metadata.metadata("rotcheck").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:  # run from its sources, not installed
        urls = []
    named = [url.partition(", ")[2] for url in urls if url.startswith("Issues")]
    return named[0] if named else "the issue tracker of the rotcheck project"
