"""Runs the user's program as it is: the same streams, signals and folder; it ends with rotcheck."""

import os
import resource
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import partial

from rotcheck.errors import RequestError
from rotcheck.isolation.worker_process import die_with_parent

FROM_TERMINAL = {signal.SIGINT, signal.SIGQUIT}
PASSED_ON = {*FROM_TERMINAL, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2}


def launch(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the program to its end.

    Args:
        command: The program and its arguments.
        environment: The variables that it sees.

    Returns:
        Its exit code, or minus the signal that ended it.

    Raises:
        RequestError: It could not be started.
    """
    children = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*PASSED_ON, signal.SIGCHLD})
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            close_fds=False,  # it gets what rotcheck was given; what rotcheck opens is not inherited
            preexec_fn=partial(_settle, mask, children == signal.SIG_IGN),
        )
        return _wait(process)
    except OSError as error:
        raise RequestError(f"{command[0]!r} cannot be run: {error.strerror}") from error
    finally:
        _forget_signals()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def end_as(status: int) -> None:
    """End this process by the signal that ended the program, so that whoever waits sees the same;
    return where it ended by itself."""
    if status >= 0:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))  # the program has left its own
    if -status not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)


def _settle(mask: set[int | signal.Signals], ignores_children: bool) -> None:
    """Heed signals as rotcheck was started to, in the process that becomes the program."""
    if ignores_children:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    die_with_parent()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for the program; pass on to it the signals that it did not get itself."""
    while (status := process.poll()) is None:
        number, by_process = _next_signal()
        if number != signal.SIGCHLD and by_process:
            process.send_signal(number)
    return status


def _next_signal() -> tuple[int, bool]:
    """The next signal, and whether a process sent it; else it came from the terminal,
    which sent it to the program as well."""
    waits_for = {*PASSED_ON, signal.SIGCHLD}
    if hasattr(signal, "sigwaitinfo"):
        info = signal.sigwaitinfo(waits_for)
        return info.si_signo, info.si_code <= 0
    number = signal.sigwait(waits_for)  # macOS: nobody says where it comes from
    return number, number not in FROM_TERMINAL


def _forget_signals() -> None:
    """Leave no signal for rotcheck itself: those that came were the program's."""
    for number in PASSED_ON:
        if number in signal.sigpending():
            signal.sigwait({number})
