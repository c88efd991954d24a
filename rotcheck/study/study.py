"""The runner: a pool of workers, the machine they run on, what ends a run early, and what it tells
of its progress."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rotcheck.errors import REQUEST, RequestError
from rotcheck.isolation import Done, Job, Outcome, Pool, Raised
from rotcheck.probe import run as probe
from rotcheck.probe.library_lines import ABOUT, torch_line
from rotcheck.probe.need import require
from rotcheck.probe.topic import questions
from rotcheck.results import Machine

SURVEY_PRELOAD = probe.PRELOAD
"""What a study that surveys the machine preloads, beside the modules of its own workers."""


def ignore(*_: object) -> None:
    """The progress callback of a caller that gave none."""


class Study:
    """Worker processes for one run, for as long as the `with` block lasts.

    Every command runs its jobs through one::

        with Study((*SURVEY_PRELOAD, WORKER), memory_limit=memory_limit, on_plan=on_plan) as study:
            machine = study.survey(("devices",))  # NoTorch, if there is none of use
            with study.interruptible():
                study.plan(len(jobs))
                for done in study.run(jobs):
                    rows.append(judged(done))
                    on_row(rows[-1])
        return Report(..., planned=study.total, interrupted=study.is_interrupted)

    Args:
        preload: modules that are imported once, before workers are forked: torch, and those of the
        workers. workers: how many work at a time; None: one for each core, at most 4. memory_limit:
        GiB that one worker may hold; None: its share of half of the machine's memory. on_plan:
        called once, by `plan`, with how many cells, rows or steps the run has.

    Attributes:
        pool: the worker processes.
        total: how many cells, rows or steps were announced.
        is_interrupted: whether the user ended the run: what was finished by then is its result.
    """

    def __init__(
        self,
        preload: Sequence[str],
        *,
        workers: int | None = None,
        memory_limit: float | None = None,
        on_plan: Callable[[int], None] | None = None,
    ) -> None:
        self.pool = Pool(preload=preload, workers=workers, memory_limit=memory_limit)
        self.total = 0
        self.is_interrupted = False
        self._has_torch = False
        self._on_plan = on_plan or ignore

    def __enter__(self) -> Self:
        self.pool.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pool.__exit__(kind, error, trace)

    def survey(self, groups: Collection[str], *, trials: bool = False) -> Machine:
        """Find out what this machine has.

        Args:
            groups: the groups of lines that are wanted, as in `rotcheck.probe.survey.GROUPS`.
            trials: whether other libraries than torch are imported and run; else only their
                versions are read.

        Raises:
            NoTorch: there is no torch that could be used.
            KeyboardInterrupt: before the machine is known there is no result to return.
        """
        machine = probe.workplace(self.pool, groups, trials=trials)
        self._has_torch = True
        return machine

    def plan(self, count: int) -> None:
        """Announce how many cells, rows or steps this run has."""
        self.total = count
        self._on_plan(count)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """End the block, and not the run, at a `KeyboardInterrupt`: what was finished is still to
        be returned."""
        try:
            yield
        except KeyboardInterrupt:
            self.is_interrupted = True

    def run(self, jobs: Sequence[Job]) -> Iterator[Done]:
        """Run the jobs, several at a time, and yield each task's outcome as it comes: not in the
        order of the jobs.

        Raises:
            RequestError: a worker raised one: what was asked for is not there, or not of the form
            it must have. NoTorch: torch cannot be imported, in a study that did not `survey` the
            machine. OSError: no process can be started.
        """
        for result in self.pool.run(jobs):
            if not self._has_torch:
                self._require_torch(result)
            if isinstance(result.outcome, Raised) and result.outcome.kind == REQUEST:
                raise RequestError(result.outcome.message)
            yield result

    def add(self, jobs: Sequence[Job]) -> None:
        """Add jobs to those that `run` works off; call it between two of the outcomes that it
        yields."""
        self.pool.add(jobs)

    def _require_torch(self, result: Done) -> None:
        """Raise `NoTorch` when it is torch that cannot be imported."""
        if self.pool.fault:
            require(torch_line(self.pool.fault))
        elif isinstance(result.outcome, Raised) and result.outcome.during:
            require(torch_line(self._import_torch()))

    def _import_torch(self) -> Outcome:
        """What becomes of importing torch alone."""
        job = questions("torch", ABOUT)
        return next(result.outcome for result in self.pool.run([job]) if result.job is job)
