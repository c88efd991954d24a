"""The front's side: hands jobs to workers, watches time and memory,
and turns every end into an outcome."""

import errno
import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Literal, Self

import psutil

from rotcheck.isolation import strays
from rotcheck.isolation.ground import Entry, Ground, Grounds
from rotcheck.isolation.handle import Handle
from rotcheck.isolation.memory import total_gib
from rotcheck.isolation.outcome import (
    CANNOT_FORK,
    Died,
    Done,
    Job,
    Outcome,
    OverMemory,
    Raised,
    Returned,
    TimedOut,
)
from rotcheck.isolation.starters import Event, Forks, ForkServer, Spawner, Starter

TICK = 0.05  # seconds between two looks at the deadlines
MEMORY_TICK = 0.2  # seconds between two looks at a worker's memory
GRACE = 0.5  # seconds that an aborted worker has to leave its traceback
SILENT = 2.0  # seconds that a worker may live on after its connection closed
DEAF = 10.0  # seconds that the server may take to start a worker, or to tell of the end of one
RESTARTS = 100  # of a server that died after it was ready; each takes as long as the imports

StartMethod = Literal["fork", "spawn"]


def default_start() -> StartMethod:
    """How workers start on this system."""
    return "fork" if sys.platform == "linux" else "spawn"


def default_memory_limit(workers: int) -> float:
    """How many GiB a worker may hold: all together half of the machine or container,
    each at most 8."""
    return min(8.0, total_gib() / 2 / workers)


class Pool:
    """Worker processes for as long as the `with` block lasts; none of them outlives it.

    `workers`: how many work at a time. `preload`: packages to import once, before forking.
    `memory_limit`: GiB that one worker may hold. `preload_limit`: seconds that the imports may
    take. Entering returns at once; the imports go on meanwhile.
    """

    def __init__(
        self,
        *,
        preload: Sequence[str] = (),
        workers: int | None = None,
        start: StartMethod | None = None,
        memory_limit: float | None = None,
        preload_limit: float = 180.0,
    ) -> None:
        self.workers = workers or min(4, os.cpu_count() or 1)
        # called in any case: without /proc nothing can be watched
        usual = default_memory_limit(self.workers)
        self.memory_limit = memory_limit or usual
        self.preload, self.preload_limit = tuple(preload), preload_limit
        self._start = start or default_start()
        self._restarts = RESTARTS
        self.fault: Outcome | None = None  # why no worker can be started any more
        self._active: list[Handle] = []
        self._queue: deque[Entry] = deque()
        self._grounds = Grounds()
        self._launches = 0
        self._strays: list[psutil.Process] = []  # what workers left that no server adopts

    def __enter__(self) -> Self:
        self._starter = self._new_starter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        left = self._strays + self._descendants()
        for worker in self._active:
            worker.close()
        self._grounds.close()
        strays.end(left)
        # a worker that died during the first look hid its children from it
        strays.end(self._descendants())
        self._starter.close()

    def run(self, jobs: Sequence[Job]) -> Iterator[Done]:
        """Run the jobs, several at a time, and yield each task's outcome as it comes.

        Raises `OSError` when no process can be started.
        """
        self._queue.clear()
        self.add(jobs)
        while self._queue or self._active:
            running = (worker.job for worker in self._active)
            self._grounds.end_idle((*running, *(job for job, _, _ in self._queue)))
            while self._queue and not self.fault and len(self._active) < self.workers:
                yield from self._launch(*self._queue.popleft())
            if self.fault:
                yield from self._give_up(self.fault)
            else:
                yield from self._turn()

    def add(self, jobs: Sequence[Job]) -> None:
        """Add jobs to those that `run` is running;
        call it between two of the outcomes that it yields."""
        self._queue.extend((job, 0, False) for job in jobs if job.tasks)

    def _new_starter(self) -> Starter:
        self._began = self._ready_at = time.monotonic()
        return ForkServer(self.preload) if self._start == "fork" else Spawner()

    def _launch(self, job: Job, first: int, hung: bool) -> list[Done]:
        """Start a worker for a job, or have the job wait for its groundwork."""
        ground = self._grounds.of(job)
        if ground is None and job.groundwork is not None and self._start == "fork":
            ground = self._grounds.add(self._next_number(), job.groundwork)
            self._start_worker(ground, self._starter)
        if ground is not None and ground.failure is not None:
            return _unopened(job, first, ground.failure)
        if ground is not None and not ground.is_settled:
            ground.waiting.append((job, first, hung))
        else:
            forks = ground.forks if ground else None
            self._start_worker(
                Handle(self._next_number(), job, first, hung), forks or self._starter
            )
        return []

    def _next_number(self) -> int:
        self._launches += 1
        return self._launches

    def _start_worker(self, worker: Handle, starter: Forks | Starter) -> None:
        self._active.append(worker)
        starter.start(worker.number, worker.descriptors())

    def _lay(self, ground: Ground, outcome: Outcome, *, fit: bool) -> list[Done]:
        """Go on behind a groundwork: with the jobs that waited for it, or with what became of it
        as the outcome of all their tasks."""
        self._active.remove(ground)
        waiting = ground.settle(outcome, fit=fit)
        if ground.failure is not None:
            return [done for job, first, _ in waiting for done in _unopened(job, first, outcome)]
        self._queue.extendleft(reversed(waiting))
        return []

    def _turn(self) -> list[Done]:
        """Wait for news, a moment at most, and return the tasks that were decided by it."""
        starters = [self._starter, *self._grounds.forks()]
        answering = [worker.connection for worker in self._active if worker.kill_at is None]
        wait([*answering, *(end for starter in starters for end in starter.readable())], TICK)
        news = [event for starter in starters for event in starter.news()]
        for worker in self._active:
            for kind, number, pid in news:
                if kind == "started" and number == worker.number:
                    worker.begin(pid)
        results = [result for worker in list(self._active) for result in self._answers(worker)]
        for event in news:
            results += self._event(event)
        self._watch()
        return results

    def _answers(self, worker: Handle) -> list[Done]:
        """Take the worker's answer, if there is one, and send it on to its next task."""
        if worker.pid is None or worker.kill_at is not None or not worker.connection.poll():
            return []
        try:
            reply = json.loads(worker.connection.recv_bytes())
            outcome = self._outcome(reply)
        except (EOFError, OSError, ValueError, TypeError, LookupError, RecursionError):
            # it died, or its code wrote to the connection
            worker.kill_at = time.monotonic() + SILENT
            return []
        if isinstance(worker, Ground):
            return self._lay(worker, outcome, fit=not reply.get("threads"))
        if worker.at is None and isinstance(outcome, Raised):
            return self._retire(worker, outcome)
        results = [] if worker.at is None else [Done(worker.job, worker.at, outcome)]
        if reply.get("spent") or (isinstance(outcome, Raised) and worker.job.fresh_after_raising):
            self._go_on_behind(worker, hung=worker.hung)
        elif not worker.next_task():
            self._remove(worker)
        return results

    def _outcome(self, reply: dict[str, Any]) -> Outcome:
        if "raised" not in reply:
            return Returned(reply["value"], reply["seconds"])
        kind, message, trace = reply["raised"]
        during = f"import {self.preload[0]}" if reply["unopened"] and self.preload else ""
        return Raised(kind, message, tuple(trace), during)

    def _event(self, event: Event) -> list[Done]:
        kind, pid, status = event
        if kind == "lost":
            return self._server_died(status)
        workers = [worker for worker in self._active if kind == "ended" and worker.pid == pid]
        ground = self._grounds.serving(pid) if kind == "ended" else None
        if ground is not None:
            self._do_without(ground)
        return [result for worker in workers for result in self._end_of(worker, status)]

    def _do_without(self, ground: Ground) -> None:
        """Start workers without a groundwork whose process is gone, with those that it had."""
        ground.close()
        for worker in self._active:
            if worker.pid is None and self._grounds.of(worker.job) is ground:
                self._starter.start(worker.number, worker.descriptors())

    def _end_of(self, worker: Handle, status: int) -> list[Done]:
        """Turn the end of a worker into the outcome of the task it worked at."""
        trace, output = worker.remains()
        outcome = worker.ending or Died(status, trace, output)
        if isinstance(outcome, TimedOut):
            outcome = replace(outcome, trace=trace)
        if worker.at is None:
            return self._retire(worker, outcome)
        self._go_on_behind(worker, hung=worker.hung or isinstance(outcome, TimedOut))
        return [Done(worker.job, worker.at, outcome)]

    def _go_on_behind(self, worker: Handle, *, hung: bool) -> None:
        """Have a new worker continue this one's job with the task after the current one."""
        behind = (worker.at or 0) + 1
        if behind < len(worker.job.tasks):
            self._queue.appendleft((worker.job, behind, hung))
        self._remove(worker)

    def _server_died(self, status: int) -> list[Done]:
        """Start a new server if the one that died had been ready; otherwise nothing can run.

        All workers die with it. While several are at work nobody can tell which of them killed it,
        so from then on one works at a time, and what was under way is run again.
        """
        if status == CANNOT_FORK:
            raise BlockingIOError(errno.EAGAIN, "no worker process can be started")
        trace, output = self._starter.remains()
        if not self._starter.ready or not self._restarts:
            during = f"import {self.preload[0]}" if self.preload and not self._starter.ready else ""
            late = time.monotonic() - self._began > self.preload_limit
            self.fault = (
                TimedOut(self.preload_limit, trace) if late else Died(status, trace, output, during)
            )
            return []
        self._restarts -= 1
        self._starter.close()
        self._starter = self._new_starter()
        if len(self._active) == 1 and self._active[0].pid is not None:
            results = self._end_of(self._active[0], -9)
        else:
            self.workers, results = 1, []
            for worker in list(self._active):
                if not isinstance(worker, Ground):
                    self._queue.appendleft((worker.job, worker.at or worker.first, worker.hung))
                self._remove(worker)
        self._queue.extendleft(reversed(self._grounds.close()))
        return results

    def _give_up(self, outcome: Outcome) -> list[Done]:
        results: list[Done] = []
        for worker in list(self._active):
            results += self._retire(worker, outcome)
        for job, first, _ in self._queue:
            results += _unopened(job, first, outcome)
        self._queue.clear()
        return results

    def _watch(self) -> None:
        """End workers that are over their time or memory limit."""
        now = time.monotonic()
        if not self._starter.ready:
            self._ready_at = now
            if now - self._began > self.preload_limit:
                self._starter.abort()
        else:
            for worker in self._active:
                if self._waits(worker, now) > DEAF:
                    self._kill_starter_of(worker)
        for worker in self._active:
            if worker.kill_at is not None:
                if now > worker.kill_at:
                    worker.kill()
            elif worker.pid is not None and now - worker.began > worker.limit():
                worker.end(TimedOut(worker.limit(), ()), grace=GRACE)
            elif worker.pid is not None and now - worker.last_look > MEMORY_TICK:
                worker.last_look = now
                if (gib := worker.memory_gib()) > self.memory_limit:
                    worker.end(OverMemory(gib, self.memory_limit), grace=0)

    def _kill_starter_of(self, worker: Handle) -> None:
        """Kill the process that owes a worker, or news of its end: it was stopped, or is stuck on
        one that cannot be killed."""
        ground = self._grounds.of(worker.job)
        if ground is None or ground.forks is None:
            self._starter.kill()
        else:
            ground.kill()

    def _waits(self, worker: Handle, now: float) -> float:
        """Seconds for which the server has owed news of a worker."""
        if worker.kill_at is not None:
            return now - worker.kill_at
        return now - max(worker.began, self._ready_at) if worker.pid is None else 0.0

    def _retire(self, worker: Handle, outcome: Outcome) -> list[Done]:
        """Give all remaining tasks of the worker's job the outcome of its opening."""
        if isinstance(worker, Ground):
            return self._lay(worker, outcome, fit=False)
        self._remove(worker)
        return _unopened(worker.job, worker.first if worker.at is None else worker.at, outcome)

    def _remove(self, worker: Handle) -> None:
        self._active.remove(worker)
        if self._starter.pid is None and worker.pid is not None:
            self._strays += strays.children(worker.pid)
        worker.close()

    def _descendants(self) -> list[psutil.Process]:
        """What workers left running; the server adopted the orphans among them."""
        roots = [self._starter.pid] if self._starter.pid else [w.pid for w in self._active if w.pid]
        return [process for root in roots for process in strays.children(root)]


def _unopened(job: Job, first: int, outcome: Outcome) -> list[Done]:
    """The tasks of a job that could not be opened, from the first that is left."""
    return [Done(job, index, outcome, opening=True) for index in range(first, len(job.tasks))]
