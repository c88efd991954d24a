"""The `rotcheck` command; answers `--version` before it imports anything."""

import os
import sys

from rotcheck import __version__
from rotcheck.cli import stderr
from rotcheck.exit_codes import FAILURE, INTERRUPT, REQUEST

TYPE_CHECKING = False  # as `typing` has it, without importing that before a signal is heeded
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


def main() -> "NoReturn":
    """Run the command line with the arguments of this process,
    and end with the contract's exit code."""
    sys.exit(_exit_code(_with_pipe))


def _with_pipe() -> int:
    """Run it, and read the pipe that it is given to the end."""
    from rotcheck.cli import early_signals

    early_signals.catch()
    from rotcheck.cli import input_pipe

    if not input_pipe.is_requested():
        return _run_guarded()
    input_pipe.shield()
    try:
        return _exit_code(_run_guarded)
    finally:
        input_pipe.drain()


def _run_guarded() -> int:
    open_streams()
    if sys.argv[1:] == ["--version"]:
        return _version()
    from rotcheck.cli import signals

    signals.catch()
    from rotcheck.cli.exit_guard import guard

    return guard(_run)


def _exit_code(run: "Callable[[], int]") -> int:
    """The exit code, also where the guard itself cannot be imported or fails."""
    try:
        return run()
    except KeyboardInterrupt:
        stderr.say(stderr.NOTHING_FINISHED)
        return INTERRUPT
    # no descriptor is left, or a file on PYTHONPATH stands in for Python's own
    except Exception as error:
        if lacking := _lacking(error):
            stderr.say(f"rotcheck: {lacking}")
            return REQUEST
        stderr.say(
            f"rotcheck itself failed ({type(error).__name__}{_why(error)}); "
            "this is not a finding about your machine."
        )
        return FAILURE


def _version() -> int:
    try:
        os.write(1, f"rotcheck {__version__}\n".encode())
    except BrokenPipeError:  # the reader has left
        return 0
    return 0


def _run() -> int:
    from rotcheck.cli.app import app

    # Not in standalone mode, so that the command's exit code is returned and errors are ours to
    # show.
    code = app()(prog_name="rotcheck", standalone_mode=False)
    return code if isinstance(code, int) else 0


def open_streams() -> None:
    """Lead each standard stream that is closed nowhere: the next socket would get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            os.set_inheritable(descriptor, True)


def _lacking(error: Exception) -> str | None:
    """What the place lacks, if that can still be found out."""
    try:
        from rotcheck.cli.missing_resources import lack
    except Exception:  # the same lack, perhaps
        return None
    return lack(error)


def _why(error: Exception) -> str:
    """What the error says, unless it names a path."""
    text = getattr(error, "strerror", None) or str(error)
    return f": {text}" if text and os.sep not in text else ""
