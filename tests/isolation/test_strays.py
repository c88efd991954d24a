"""Nothing outlives the pool."""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest
from pools import job, run, running

import rotcheck

SOURCE = str(Path(rotcheck.__file__).parents[1])
HERE = str(Path(__file__).parent)
PATIENCE = 30  # seconds; it takes a fraction of one


def gone(token: str) -> bool:
    """Wait until no process has the token in its command line."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if not running(token):
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def token() -> str:
    return f"stray-{uuid.uuid4().hex}"


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_process_that_a_worker_left_in_a_session_of_its_own_is_ended(
    start: str, token: str
) -> None:
    run(job("leaves", [token, token]), start=start)
    assert gone(token)


def test_no_process_and_no_zombie_is_left_of_a_run(token: str) -> None:
    run(
        *(
            job("process", ["nothing", end, "nothing"], limit=1)
            for end in ("segfault", "sleep", "exit")
        )
    )
    assert psutil.Process().children(recursive=True) == []


FRONT = """
import sys
from rotcheck.isolation import Job, Pool
with Pool(start=sys.argv[1], workers=2) as pool:
    for done in pool.run([Job(name, "targets:limits", sys.argv[2], [0, 600]) for name in "ab"]):
        print(done.outcome.value, flush=True)
"""


def front(start: str, token: str) -> subprocess.Popen[str]:
    """Start a front that is at work in two workers when this returns."""
    process = subprocess.Popen(
        [sys.executable, "-c", FRONT, start, token],
        env=os.environ | {"PYTHONPATH": os.pathsep.join((SOURCE, HERE)), "TOKEN": token},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == ["0\n", "0\n"]
    return process


@pytest.mark.skipif(
    sys.platform != "linux",
    reason="needs Linux: only there a process can ask to end with its parent",
)
@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_front_that_is_killed_takes_its_workers_along(
    start: str, number: int, token: str
) -> None:
    process = front(start, token)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    process.send_signal(number)
    process.wait(PATIENCE)
    assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_an_interrupted_front_ends_its_workers_first(start: str, token: str) -> None:
    process = front(start, token)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE)
    assert not any(child.is_running() for child in children)
