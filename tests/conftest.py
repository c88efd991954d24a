"""What all the tests share."""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from turns import Turns

# torch's threads sleep while they wait for each other. By default they spin, which makes those that
# they wait for wait in turn wherever more of them run than there are cores. Read when torch is
# loaded, here and in all processes.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
FOLDER = pytest.StashKey[tempfile.TemporaryDirectory[str]]()
TURNS = pytest.StashKey[Turns]()
TOGETHER = ("tests/probe", "tests/trust")  # rooms whose files share what takes long to make


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "slow: takes more than ten seconds; leave out with -m 'not slow'"
    )
    config.addinivalue_line(
        "markers", "last: wants the machine for itself, for which it would wait long before"
    )
    folder = getattr(config, "workerinput", {}).get("turns")
    config.stash[TURNS] = Turns(Path(folder) if folder else None)
    # torch.compile believes what the processor says of itself, and does not compile a program to
    # try it each time.
    os.environ.setdefault("TORCHINDUCTOR_VEC_ISA_OK", "1")
    _heed_signals()


def _heed_signals() -> None:
    """Undo what nohup and background jobs ignore:
    rotcheck would rightly ignore it too, and tests send them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run files with slow tests first, so that workers in parallel end at about the same time."""
    slow, last = (
        {item.path for item in items if item.get_closest_marker(mark)} for mark in ("slow", "last")
    )
    items.sort(key=lambda item: (item.path in last, item.path not in slow))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the files of a room whose fixtures are long to make to one worker,
    which makes them once."""
    from xdist.scheduler import LoadFileScheduling

    class ByRoom(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            room = file.rpartition("/")[0]
            return room if room in TOGETHER else file

    return ByRoom(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker, as it is started, where all of them take turns."""
    stash = node.config.stash
    if FOLDER not in stash:
        stash[FOLDER] = tempfile.TemporaryDirectory()
    node.workerinput["turns"] = stash[FOLDER].name


def pytest_unconfigure(config: pytest.Config) -> None:
    if FOLDER in config.stash:
        config.stash[FOLDER].cleanup()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with item.config.stash[TURNS].beside_others():
        return (yield)


@pytest.fixture(scope="session")
def alone(pytestconfig: pytest.Config) -> Callable[[], AbstractContextManager[None]]:
    """Return what a test that measures time enters while it does:
    no other worker runs a test meanwhile."""
    return pytestconfig.stash[TURNS].alone


@pytest.fixture(autouse=True)
def modules_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what a test adds to the path of modules, which all that come later would find there."""
    monkeypatch.setattr(sys, "path", list(sys.path))
