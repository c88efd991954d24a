"""Time and memory are bounded, whatever the worker does against it."""

from pathlib import Path

import psutil
import pytest
from pools import STARTS, job, outcomes, run

import rotcheck.isolation.handle
from rotcheck.isolation import Died, OverMemory, Returned, TimedOut, memory
from rotcheck.isolation.handle import Handle
from rotcheck.isolation.pool import default_memory_limit

both = pytest.mark.parametrize("start", STARTS)
GIB = 1 << 30


@both
@pytest.mark.parametrize("end", ["sleep", "loop", "loop in C", "stop"])
def test_a_task_over_its_time_is_ended(start: str, end: str) -> None:
    (found,) = outcomes("process", [end], start=start, limit=1)
    assert isinstance(found, TimedOut)
    assert str(found) == "no answer within 1 s"


def test_a_worker_that_ignores_signals_is_ended_all_the_same() -> None:
    (found,) = outcomes("ignores_signals", [1], limit=1)
    assert isinstance(found, TimedOut)


def test_behind_a_hang_the_same_jobs_tasks_get_a_fraction_of_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rotcheck.isolation.handle, "HANG_AGAIN", 2)
    found = outcomes("limits", [600, 0, 600], limit=3)
    assert [getattr(outcome, "limit", None) for outcome in found] == [3, None, 1.5]


def test_that_fraction_is_never_too_short_to_start_in() -> None:
    found = outcomes("limits", [600, 600], limit=1.5)
    assert [outcome.limit for outcome in found] == [1.5, 1.0]


@pytest.mark.parametrize(
    ("slow_start", "hung", "seconds"),
    [
        (True, False, {None: 60, 1: 60, 2: 20}),
        (True, True, {None: 60, 1: 15, 2: 15}),
        (False, False, {None: 60, 1: 20, 2: 20}),
    ],
)
def test_where_the_start_is_slow_the_first_task_of_a_process_may_take_as_long_as_the_opening(
    slow_start: bool, hung: bool, seconds: dict[int | None, float]
) -> None:
    asked = job("echo", [0, 1, 2], limit=20, opening_limit=60, least=15, slow_start=slow_start)
    worker = Handle(1, asked, 1, hung)
    for worker.at, limit in seconds.items():
        assert worker.limit() == limit
    worker.close()


def test_the_limit_is_one_of_each_task_not_of_the_job() -> None:
    found = outcomes("limits", [0.5] * 8, limit=3)
    assert all(isinstance(outcome, Returned) for outcome in found)


@both
@pytest.mark.parametrize("where", ["here", "child"])
def test_memory_that_grows_without_end_is_ended(start: str, where: str) -> None:
    (done,) = run(job("grows", [where], limit=60), start=start, memory_limit=0.5)
    assert isinstance(done.outcome, OverMemory)
    assert done.outcome.used_gib > done.outcome.limit_gib == 0.5
    assert "over its limit of 0.5 GiB" in str(done.outcome)


def test_a_neighbour_of_one_that_grows_goes_on() -> None:
    growing, other = job("grows", ["here"], limit=60), job("echo", list(range(50)))
    found = run(growing, other, memory_limit=0.5, workers=2)
    assert sorted(done.outcome.value for done in found if done.job == other) == list(range(50))


def test_what_forked_children_share_counts_once() -> None:
    """Five children of a process with 200 MiB: 1.2 GiB when added up naively."""
    (done,) = run(job("shares", [5], 200, limit=60), memory_limit=0.6)
    assert done.outcome == Returned(200, done.outcome.seconds)


def test_whoever_prints_without_end_meets_the_end_of_its_file_not_of_the_disk() -> None:
    (found,) = outcomes("fills", [3 * GIB], limit=120)
    assert not isinstance(found, Died)
    assert str(found) == "OSError: [Errno 27] File too large"


@pytest.mark.parametrize(
    ("written", "gib"),
    [(f"{GIB}\n", 1.0), ("max\n", None), (f"{1 << 62}\n", None), ("", None), (None, None)],
)
def test_the_limit_of_a_container_counts(
    written: str | None, gib: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if written is not None:
        (tmp_path / "memory.max").write_text(written)
    monkeypatch.setattr(memory, "_LIMITS", (str(tmp_path / "memory.max"),))
    machine = psutil.virtual_memory().total / GIB
    assert memory.total_gib() == (gib or machine)
    assert default_memory_limit(2) == min(8.0, (gib or machine) / 4)
