"""Where no more processes or threads may be started, the work waits for others to end,
or says so."""

import socket
import sys
import threading
from pathlib import Path

import pytest
from pools import job, run

from rotcheck.isolation import Returned, server
from rotcheck.probe.background import Beside

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no server forks")
FULL = """
import os
fork, calls = os.fork, []
def scarce():
    calls.append(1)
    if len(calls) <= {refusals}:
        raise BlockingIOError(11, "Resource temporarily unavailable")
    return fork()
os.fork = scarce
"""


def planted(folder: Path, monkeypatch: pytest.MonkeyPatch, refusals: int) -> str:
    (folder / f"full_{refusals}.py").write_text(FULL.format(refusals=refusals))
    monkeypatch.syspath_prepend(str(folder))
    return f"full_{refusals}"


@linux
def test_a_fork_that_is_refused_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run(job("echo", [1, 2]), preload=["targets", planted(tmp_path, monkeypatch, 3)])
    assert [isinstance(done.outcome, Returned) for done in found] == [True, True]


@linux
def test_a_fork_that_is_always_refused_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BlockingIOError, match="no worker process can be started"):
        run(job("echo", [1]), preload=["targets", planted(tmp_path, monkeypatch, 10**6)])


def test_without_a_thread_the_work_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with Beside(lambda: 42) as beside:
        assert beside.result() == 42


@linux
def test_a_server_whose_front_is_gone_knows_it() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    assert not server._is_gone(theirs)
    ours.send(b"1")
    assert not server._is_gone(theirs)
    assert theirs.recv(10) == b"1"
    ours.close()
    assert server._is_gone(theirs)
    theirs.close()
