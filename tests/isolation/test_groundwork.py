"""What several jobs need is done once, in a process from which their workers are forked."""

import psutil
import pytest
from pools import job, run

from rotcheck.isolation import Died, Done, Groundwork, Job, Pool, Returned, TimedOut


def jobs(laying: str, *rows: list[str], limit: float = 60.0) -> list[Job]:
    work = Groundwork("targets:lays", laying, limit)
    return [
        Job(str(at), "targets:on_ground", None, row, limit=1, groundwork=work)
        for at, row in enumerate(rows)
    ]


def answers(found: list[Done]) -> list[list[int]]:
    return [done.outcome.value for done in found if isinstance(done.outcome, Returned)]


@pytest.mark.parametrize("laying", ["nothing", "fork"])
def test_it_is_done_once_and_the_workers_are_forked_from_its_process(laying: str) -> None:
    found = answers(run(*jobs(laying, ["where"], ["where"], ["where"]), workers=2))
    grounds = {ground for ground, _, _ in found}
    assert len(found) == 3
    assert len(grounds) == 1
    assert {parent for _, _, parent in found} == grounds
    assert len({worker for _, worker, _ in found}) == 3


def test_jobs_with_another_groundwork_and_with_none_have_their_own() -> None:
    two = [*jobs("nothing", ["where"]), *jobs("fork", ["where"])]
    found = run(*two, job("echo", [[1, 2]]), workers=2)
    assert len({answer[0] for answer in answers(found) if len(answer) == 3}) == 2
    assert [1, 2] in answers(found)


@pytest.mark.parametrize("end", ["segfault", "exit", "kill server"])
def test_a_death_costs_its_own_task_alone(end: str) -> None:
    found = run(*jobs("nothing", ["where", end, "where"], ["where", "where"]), workers=1)
    lost = [(done.job.name, done.index) for done in found if isinstance(done.outcome, Died)]
    assert lost == [("0", 1)]
    assert len(answers(found)) == 4


@pytest.mark.parametrize("laying", ["raise", "start a thread"])
def test_where_it_raises_or_cannot_be_forked_each_worker_does_without(laying: str) -> None:
    found = answers(run(*jobs(laying, ["where"], ["where"]), workers=2))
    assert [len(answer) for answer in found] == [2, 2]


def test_where_nothing_is_forked_each_worker_does_without() -> None:
    found = answers(run(*jobs("nothing", ["where"]), start="spawn"))
    assert [len(answer) for answer in found] == [2]


def test_where_it_dies_all_tasks_share_that() -> None:
    found = run(*jobs("segfault", ["where", "where"], ["where"]), job("echo", [4]), workers=1)
    lost = [done for done in found if done.opening]
    assert [(done.job.name, done.index) for done in lost] == [("0", 0), ("0", 1), ("1", 0)]
    assert {done.outcome.signal_name for done in lost} == {"SIGSEGV"}
    assert found[-1].outcome.value == 4


def test_where_it_hangs_all_tasks_share_that() -> None:
    found = run(*jobs("sleep", ["where"], ["where"], limit=1), workers=2)
    assert [done.outcome for done in found] == [TimedOut(1, found[0].outcome.trace)] * 2


def test_a_job_that_follows_finds_it_and_it_ends_with_the_last() -> None:
    first, second = jobs("nothing", ["where"], ["where"])
    before, grounds = psutil.Process().num_fds(), []
    with Pool(workers=1) as pool:
        for done in pool.run([first]):
            grounds.append(done.outcome.value[0])
            pool.add([second] if len(grounds) == 1 else [])
        list(pool.run([job("echo", [1])]))
        assert not psutil.pid_exists(grounds[0])
    assert len(set(grounds)) == 1
    assert psutil.Process().num_fds() == before


def test_nothing_is_left_of_it() -> None:
    run(*jobs("fork", ["where", "sleep"], limit=1), *jobs("sleep", ["where"], limit=1), workers=2)
    assert psutil.Process().children(recursive=True) == []
