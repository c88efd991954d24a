"""An external program that hangs, crashes or does not exist is an outcome, not an end."""

import sys
import uuid

import psutil
import pytest
from pools import running

from rotcheck.isolation import Died, Raised, Returned, TimedOut, command
from rotcheck.isolation.command import MOST

PYTHON = [sys.executable, "-c"]


def test_its_output_comes_back() -> None:
    found = command([*PYTHON, "print(input()[::-1])"], limit=60, text="abc\n")
    assert found == Returned("cba\n", found.seconds)


def test_one_that_does_not_exist_cannot_be_started() -> None:
    assert command(["no-such-program"], limit=60) == Raised(
        "FileNotFoundError", "No such file or directory", ()
    )


def test_one_that_may_not_be_run_cannot_be_started() -> None:
    assert command(["/"], limit=60) == Raised("PermissionError", "Permission denied", ())


def test_an_exit_code_comes_with_the_last_words() -> None:
    found = command(
        [*PYTHON, "import sys; print('no driver', file=sys.stderr); sys.exit(9)"], limit=60
    )
    assert found == Died(9, (), "no driver")


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGKILL"])
def test_a_crash_is_named(name: str) -> None:
    found = command([*PYTHON, f"import os, signal; os.kill(os.getpid(), signal.{name})"], limit=60)
    assert str(found) == f"the process was killed by {name}"


def test_one_that_hangs_is_ended_with_what_it_started() -> None:
    token = uuid.uuid4().hex
    script = f"{sys.executable} -c 'import time; time.sleep(600)' {token}; true"
    assert command(["sh", "-c", script], limit=1) == TimedOut(1, ())
    psutil.wait_procs(running(token), timeout=30)
    assert running(token) == []


def test_one_that_ignores_requests_to_end_is_ended() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    assert command([*PYTHON, code], limit=1) == TimedOut(1, ())


def test_output_that_is_no_utf8_comes_back_all_the_same() -> None:
    found = command([*PYTHON, r"import os; os.write(1, b'a\xffb')"], limit=60)
    assert found.value == "a\N{REPLACEMENT CHARACTER}b"


def test_it_leaves_no_descriptor_open() -> None:
    command([*PYTHON, "pass"], limit=60)
    before = psutil.Process().num_fds()
    for limit in (60, 0.001):
        command([*PYTHON, "import time; time.sleep(0.1)"], limit=limit)
    assert psutil.Process().num_fds() == before


def test_of_a_flood_the_beginning_is_kept() -> None:
    done = command(["sh", "-c", "head -c 5000000 /dev/zero; echo late >&2"], limit=30)
    assert isinstance(done, Returned)
    assert len(done.value) == MOST


def test_a_flood_without_end_is_over_its_time() -> None:
    assert isinstance(command(["cat", "/dev/zero"], limit=1), TimedOut)


def test_one_that_does_not_listen_harms_nobody() -> None:
    assert isinstance(command(["sh", "-c", "exec <&-; sleep 0.1"], limit=30, text="x"), Returned)
