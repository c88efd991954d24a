"""Turns every way in which a command can end into an exit code of the contract."""

import contextlib
import os
import sys
from collections.abc import Callable
from typing import TextIO

from rotcheck.cli import missing_resources, signals, stderr
from rotcheck.errors import NoTorch, RequestError
from rotcheck.exit_codes import FAILURE, INTERRUPT, NOTHING_RAN, REQUEST

_results: list[bool] = []  # not empty: there are results, and they were handed out


def guard(run: Callable[[], int]) -> int:
    """Run a command and return its exit code; what went wrong is told on standard error."""
    try:
        code = _exit_code(run)
    except Exception as error:
        lacking = missing_resources.lack(error)
        return _refuse(lacking) if lacking else _report_failure(error)
    if code == INTERRUPT:
        signals.ignore()
        say("rotcheck: interrupted" if _results else stderr.NOTHING_FINISHED)
    return code


def note_results() -> None:
    """Note that there are results: an interruption from now on does not lose them all."""
    _results.append(True)


def check_packages() -> None:
    """Raise `ModuleNotFoundError` for a package that would be missed when the results are drawn."""
    # torch is missed by workers, and not by all commands
    for name in missing_resources.absent(missing_resources.PACKAGES[1:]):
        raise ModuleNotFoundError(name=name)


def check_folder() -> None:
    """Raise `RequestError` when rotcheck lies in an archive,
    or the working directory is gone or closed.

    Names of files would lead nowhere.
    """
    if missing_resources.is_archive():
        raise RequestError(missing_resources.ARCHIVE)
    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise RequestError(
            "the working directory no longer exists; change to one that does"
        ) from error
    except OSError as error:
        raise RequestError(
            f"the working directory cannot be determined: {error.strerror}; change to another"
        ) from error
    if not os.access(".", os.X_OK):
        raise RequestError("this user may not enter the working directory; change to another")


def _exit_code(run: Callable[[], int]) -> int:
    try:
        return run()
    except RequestError as error:
        say(f"rotcheck: {_clean_message(error)}")
        return NOTHING_RAN if isinstance(error, NoTorch) else REQUEST
    except KeyboardInterrupt:
        return INTERRUPT
    except BrokenPipeError:
        quiet(sys.stdout)
        return 0
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 0
    except Exception as error:
        code = _usage(error)
        if code:
            return code
        raise


def _refuse(lacking: str) -> int:
    """Say what the place lacks, and have nothing more go to a stream that may be the reason."""
    say(f"rotcheck: {lacking}")
    quiet(sys.stdout)
    return REQUEST


def _clean_message(error: RequestError) -> str:
    """The message without what a terminal would act on: it may quote a stranger's file."""
    from rotcheck.report.text import clean

    return clean(str(error))


def say(text: str) -> None:
    """Write a line to standard error, wherever that leads."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, full or not there
        sys.stderr.write(
            text.encode(sys.stderr.encoding or "utf-8", "backslashreplace").decode() + "\n"
        )
        sys.stderr.flush()


def quiet(stream: TextIO) -> None:
    """Let what is still to be written to a closed pipe go nowhere,
    so that Python's own end says nothing."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _usage(error: Exception) -> int:
    """Show a mistake in the command line and return its exit code; 0 when it is another error.

    Newer versions of Typer carry click inside, older ones import it:
    what their errors share is used.
    """
    import typer

    if isinstance(error, typer.Abort):
        return INTERRUPT
    show = getattr(error, "format_message", None)
    if show is None or not hasattr(error, "exit_code"):
        return 0
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        say(str(getattr(error, "message", show())))
    else:
        usage = (
            f"{context.get_usage()}\nTry '{context.command_path} --help'.\n\n" if context else ""
        )
        say(f"{usage}rotcheck: {show()}")
    return REQUEST


def _report_failure(error: Exception) -> int:
    """Say that rotcheck itself failed, what to report and where."""
    import traceback

    from rotcheck.scrub import scrub

    trace = "".join(traceback.format_exception(error)).rstrip()
    say(
        f"rotcheck itself failed ({type(error).__name__}); this is not a finding about your machine.\n"
        f"Please report the command, the output of `rotcheck probe --format markdown` and the lines below\n"
        f"at {_issues()}\n\n{scrub(trace)}"
    )
    return FAILURE


def _issues() -> str:
    """Where to report, from the package's own metadata."""
    from importlib import metadata

    try:
        urls = metadata.metadata("rotcheck").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:  # run from its sources, not installed
        urls = []
    trackers = [url.partition(", ")[2] for url in urls if url.startswith("Issues")]
    return trackers[0] if trackers else "the issue tracker of the rotcheck project"
