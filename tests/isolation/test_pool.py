"""Every task comes back as exactly one outcome, whatever the worker does."""

import psutil
import pytest
from pools import STARTS, job, outcomes, run

import rotcheck.isolation.pool
from rotcheck.isolation import Died, Job, Pool, Raised, Returned, TimedOut

both = pytest.mark.parametrize("start", STARTS)


@both
def test_the_tasks_of_a_job_come_back_in_their_order(start: str) -> None:
    found = outcomes("echo", [3, "one", None, [1, {"a": 2.5}]], start=start)
    assert [outcome.value for outcome in found] == [3, "one", None, [1, {"a": 2.5}]]
    assert all(outcome.seconds >= 0 for outcome in found)


@both
def test_many_jobs_are_all_done_once_and_leave_no_descriptor_open(start: str) -> None:
    number = 60 if start == "fork" else 12
    jobs = [Job(str(i), "targets:echo", None, [i, -i]) for i in range(number)]
    run(jobs[0], start=start)  # whatever Python opens once is open now
    before = psutil.Process().num_fds()
    found = run(*jobs, start=start, workers=2)
    assert sorted((int(done.job.name), done.outcome.value) for done in found) == sorted(
        (i, value) for i in range(number) for value in (i, -i)
    )
    assert psutil.Process().num_fds() == before


def test_with_one_worker_the_jobs_come_in_their_order() -> None:
    found = run(*(job("echo", [i]) for i in range(5)), workers=1)
    assert [done.outcome.value for done in found] == [0, 1, 2, 3, 4]


def test_no_jobs_and_jobs_without_tasks_give_nothing() -> None:
    assert run() == []
    assert run(job("echo", [])) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_can_follow_from_the_outcome_of_another(workers: int) -> None:
    found = []
    with Pool(workers=workers) as pool:
        for done in pool.run([job("echo", [3]), job("echo", [1])]):
            found.append(done.outcome.value)
            pool.add([job("echo", [found[-1] - 1])] if found[-1] else [])
    assert sorted(found) == [0, 0, 1, 1, 2, 3]


def test_a_pool_can_run_again_in_the_same_process_pool() -> None:
    with Pool() as pool:
        first, second = (list(pool.run([job("echo", [i])])) for i in (1, 2))
    assert [done.outcome.value for done in first + second] == [1, 2]


def test_what_raised_leaves_its_worker_at_work() -> None:
    first, raised, last = outcomes("process", ["pid", "no such key", "pid"])
    assert raised == Raised("KeyError", "'no such key'", raised.trace)
    assert first.value == last.value


def test_a_job_may_ask_for_a_new_worker_behind_what_raised() -> None:
    first, _, last = outcomes("process", ["pid", "no such key", "pid"], fresh_after_raising=True)
    assert first.value != last.value


@both
def test_a_process_that_is_spent_gives_its_answer_and_leaves_the_rest_to_another(
    start: str,
) -> None:
    first, spent, second, last = outcomes("process", ["pid", "spend", "pid", "pid"], start=start)
    assert isinstance(spent, Returned)
    assert first.value != second.value == last.value


@both
def test_a_death_costs_its_own_task_and_a_new_worker_goes_on_behind_it(start: str) -> None:
    first, died, last = outcomes("process", ["pid", "segfault", "pid"], start=start)
    assert isinstance(died, Died)
    assert first.value != last.value


@pytest.mark.parametrize("deaths", [[0], [3], [0, 3], [1, 2], [0, 1, 2, 3]], ids=str)
def test_it_does_not_matter_which_tasks_die(deaths: list[int]) -> None:
    tasks = ["abort" if index in deaths else "nothing" for index in range(4)]
    found = outcomes("process", tasks)
    assert [index for index, outcome in enumerate(found) if isinstance(outcome, Died)] == deaths
    assert all(isinstance(found[index], Returned) for index in set(range(4)) - set(deaths))


@pytest.mark.parametrize("workers", [1, 3])
def test_a_job_that_dies_leaves_the_others_as_they_are(workers: int) -> None:
    jobs = [
        job("process", ["pid", end, "pid"]) for end in ("nothing", "segfault", "nothing", "exit")
    ]
    found = run(*jobs, workers=workers)
    lost = [(jobs.index(done.job), done.index) for done in found if isinstance(done.outcome, Died)]
    assert sorted(lost) == [(1, 1), (3, 1)]
    assert len(found) == 12


def test_when_the_opening_raises_all_tasks_share_it() -> None:
    found = run(job("raising_open", [1, 2, 3]), job("echo", [4]), workers=1)
    assert [(done.index, done.opening) for done in found] == [
        (0, True),
        (1, True),
        (2, True),
        (0, False),
    ]
    assert {str(done.outcome) for done in found[:3]} == {
        "ImportError: cannot import the heart of it"
    }
    assert found[3].outcome.value == 4


@both
def test_when_the_opening_dies_all_tasks_share_it(start: str) -> None:
    found = run(job("crashing_open", [1, 2], "segfault"), job("echo", [4]), start=start, workers=1)
    assert [done.opening for done in found] == [True, True, False]
    assert {done.outcome.signal_name for done in found[:2]} == {"SIGSEGV"}


def test_when_the_opening_hangs_all_tasks_share_it() -> None:
    found = run(job("crashing_open", [1, 2], "sleep", opening_limit=1), job("echo", [4]), workers=1)
    assert [done.opening for done in found] == [True, True, False]
    assert [done.outcome.limit for done in found[:2]] == [1, 1]


def test_a_target_that_does_not_exist_raises() -> None:
    (found,) = outcomes("no_such_target", [1])
    assert found.kind == "AttributeError"


@pytest.mark.parametrize("answer", ["nan", "not UTF-8", 20_000_000])
@both
def test_unusual_answers_arrive(start: str, answer: str | int) -> None:
    (found,) = outcomes("answers_with", [answer], start=start)
    value = found.value
    assert (
        value != value
        if answer == "nan"
        else value == "a?b"
        if answer == "not UTF-8"
        else len(value) == answer
    )


def test_an_answer_that_is_no_json_is_raised_and_the_next_task_goes_on() -> None:
    bad, good = outcomes("answers_with", ["set", 3])
    assert str(bad) == "TypeError: Object of type set is not JSON serializable"
    assert good.value == "xxx"


@pytest.mark.parametrize("how", ["no JSON", "other JSON", "half a message", "closes"])
def test_a_worker_that_meddles_with_its_connection_loses_its_tasks_and_nobody_elses(
    how: str,
) -> None:
    meddling, other = job("meddles", ["nothing", how]), job("echo", list(range(20)))
    found = run(meddling, other, workers=2)
    assert [done.outcome.value for done in found if done.job == other] == list(range(20))
    first, second = (done.outcome for done in found if done.job == meddling)
    assert first.value == "nothing"
    assert isinstance(second, Died)


def test_a_worker_that_forks_itself_ends_with_both_halves() -> None:
    found = run(job("meddles", ["forks"]), job("echo", [1]))
    assert len(found) == 2
    assert psutil.Process().children(recursive=True) == []


def test_of_a_worker_that_forks_one_process_answers() -> None:
    found = run(job("forks", [1, 2, 3]))
    assert [done.outcome.value for done in found] == [1, 2, 3]
    assert psutil.Process().children(recursive=True) == []


def test_a_worker_that_kills_the_server_of_all_workers_costs_its_own_task_only() -> None:
    killer, other = (
        job("process", ["nothing", "kill server", "nothing"]),
        job("echo", list(range(5))),
    )
    found = run(killer, other, start="fork", workers=2)
    assert [done.outcome.value for done in found if done.job == other] == list(range(5))
    ends = {done.index: done.outcome for done in found if done.job == killer}
    assert isinstance(ends[0], Returned)
    assert ends[1].signal_name == "SIGKILL"
    assert isinstance(ends[2], Returned)


def test_a_worker_that_stops_the_server_of_all_workers_hangs_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rotcheck.isolation.pool, "DEAF", 1.0)
    stopper, other = (
        job("process", ["stop server", "nothing"], limit=1),
        job("echo", list(range(5))),
    )
    found = run(stopper, other, start="fork", workers=2)
    assert [done.outcome.value for done in found if done.job == other] == list(range(5))
    ends = {done.index: done.outcome for done in found if done.job == stopper}
    assert isinstance(ends[0], TimedOut)
    assert isinstance(ends[1], Returned)


def test_a_server_that_was_stopped_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotcheck.isolation.pool, "DEAF", 1.0)
    found = run(
        job("process", ["stop server and go on"]), job("echo", [1]), start="fork", workers=1
    )
    assert [type(done.outcome) for done in found] == [Returned, Returned]


@both
def test_leaving_the_pool_in_the_middle_ends_its_workers(start: str) -> None:
    with Pool(start=start) as pool:
        next(pool.run([job("limits", [0, 600]), job("limits", [0, 600])]))
    assert psutil.Process().children(recursive=True) == []


PRELOADS = {
    "a_preload_that_segfaults": "import ctypes\nctypes.string_at(0)\n",
    "a_preload_that_exits": "import os\nos._exit(4)\n",
    "a_preload_that_hangs": "import time\ntime.sleep(600)\n",
    "a_preload_that_raises": "raise ImportError('no way')\n",
}


def preloaded(
    name: str, folder: object, monkeypatch: pytest.MonkeyPatch, preload_limit: float
) -> list:
    (folder / f"{name}.py").write_text(PRELOADS[name])
    monkeypatch.syspath_prepend(str(folder))
    with Pool(start="fork", preload=[name], preload_limit=preload_limit) as pool:
        return list(pool.run([job("echo", [1, 2]), job("echo", [3])]))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "a_preload_that_segfaults",
            "the process was killed by SIGSEGV in `import a_preload_that_segfaults`",
        ),
        (
            "a_preload_that_exits",
            "the process ended with exit code 4 in `import a_preload_that_exits`",
        ),
        ("a_preload_that_hangs", "no answer within 1 s"),
    ],
)
def test_a_preload_that_ends_the_server_is_every_tasks_outcome(
    name: str, words: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = preloaded(name, tmp_path, monkeypatch, 1 if "hangs" in name else 60)
    assert len(found) == 3
    assert all(done.opening for done in found)
    assert {str(done.outcome) for done in found} == {words}


def test_a_preload_that_dies_leaves_the_line_it_died_at(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = preloaded("a_preload_that_segfaults", tmp_path, monkeypatch, 60)
    assert any(
        frame == "a_preload_that_segfaults.py:2 in <module>" for frame in found[0].outcome.trace
    )


def test_a_preload_that_raises_is_left_to_whoever_needs_it(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = preloaded("a_preload_that_raises", tmp_path, monkeypatch, 60)
    assert sorted(done.outcome.value for done in found) == [1, 2, 3]


def test_a_hang_of_one_job_leaves_the_others_their_full_limit() -> None:
    hanging, slow = job("process", ["sleep"], limit=1), job("limits", [1.5], limit=60)
    found = {done.job.target: done.outcome for done in run(hanging, slow, workers=2)}
    assert isinstance(found["targets:process"], TimedOut)
    assert found["targets:limits"].value == 1.5


def test_the_worker_runs_with_nothing_on_its_standard_input() -> None:
    (found,) = run(Job("reads", "targets:reads", None, [1]))
    assert found.outcome.value == ""
