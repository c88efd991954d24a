"""Runs jobs in a pool of its own and returns what became of them."""

import psutil

from rotcheck.isolation import Done, Job, Outcome, Pool

STARTS = ["fork", "spawn"]


def job(target: str, tasks: list, setup: object = None, **limits: float) -> Job:
    return Job(target, f"targets:{target}", setup, tasks, **limits)


def run(*jobs: Job, **pool: object) -> list[Done]:
    with Pool(**pool) as workers:
        return list(workers.run(jobs))


def outcomes(
    target: str, tasks: list, setup: object = None, *, start: str = "fork", **limits: float
) -> list[Outcome]:
    """Return what became of each task of one job, in the order of the tasks."""
    found = run(job(target, tasks, setup, **limits), start=start)
    assert [done.index for done in found] == list(range(len(tasks)))
    return [done.outcome for done in found]


def running(token: str) -> list[psutil.Process]:
    """Return the processes that have the token in their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(token in argument for argument in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found
