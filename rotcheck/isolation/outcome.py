"""A worker's job, and the outcome of each of its tasks."""

import json
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CONNECTION_LOST = 70  # exit code of a worker that cannot answer any more
CANNOT_FORK = 71  # exit code of a server that may not start another process


@dataclass(frozen=True, slots=True)
class Groundwork:
    """What several jobs need first, such as an import: done once, in a process of its own from
    which their workers are forked.

    `target` names a function, as that of a job; it is called with `setup`. Where processes cannot
    be forked, or not from that one, and where it raises, each worker does what it needs itself.
    """

    target: str
    setup: Any
    limit: float = 60.0  # seconds

    @property
    def key(self) -> str:
        """What tells it from another."""
        return json.dumps([self.target, self.setup], sort_keys=True)


@dataclass(frozen=True, slots=True)
class Job:
    """A row of tasks for one worker process, plain JSON data all through.

    `target` names a function, `package.module:function`. The worker calls it once with `setup`, and
    what it returns is called with each task. After a death a new worker opens the job again and
    continues after the task that was lost; when the opening itself fails, all remaining tasks share
    its outcome.
    """

    name: str
    target: str
    setup: Any
    tasks: Sequence[Any]
    limit: float = 20.0  # seconds for one task
    opening_limit: float = 60.0  # seconds for the opening, which may import large packages
    # seconds for a task after one that hung, where a tenth of the limit would be less
    least: float = 1.0
    # a process's first task, which compiles kernels, may take as long as the opening
    slow_start: bool = False
    # continue in a new worker: an error of a GPU can poison the whole process
    fresh_after_raising: bool = False
    groundwork: Groundwork | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """The task came back."""

    value: Any
    seconds: float


@dataclass(frozen=True, slots=True)
class Raised:
    """The task raised; any BaseException, `SystemExit` and `KeyboardInterrupt` too."""

    kind: str  # the exception's class, with its module unless that is builtins
    message: str
    trace: tuple[str, ...]  # innermost frames first: "package/file.py:12 in function"
    during: str = ""  # "import torch" when what the target itself needs cannot be imported

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


@dataclass(frozen=True, slots=True)
class Died:
    """The process ended without an answer."""

    status: int  # the exit code, or minus the signal
    trace: tuple[str, ...]  # what faulthandler left
    output: str  # the last lines that it wrote
    during: str = ""  # "import torch" when that killed the server of all workers

    @property
    def signal_name(self) -> str | None:
        """The name of the signal that ended it, as `SIGSEGV`."""
        if self.status >= 0:
            return None
        try:
            return signal.Signals(-self.status).name
        except ValueError:
            return f"signal {-self.status}"

    def __str__(self) -> str:
        if self.status == CONNECTION_LOST:
            return "the process lost its connection to rotcheck: something in it closed descriptors it did not open"
        place = f" in `{self.during}`" if self.during else ""
        if self.status < 0:
            return f"the process was killed by {self.signal_name}{place}"
        return f"the process ended with exit code {self.status}{place}"


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The task was over its time limit and its process was ended."""

    limit: float
    trace: tuple[str, ...]

    def __str__(self) -> str:
        return f"no answer within {self.limit:g} s"


@dataclass(frozen=True, slots=True)
class OverMemory:
    """The process held more memory than allowed and was ended."""

    used_gib: float
    limit_gib: float

    def __str__(self) -> str:
        return f"held {self.used_gib:.1f} GiB of memory, over its limit of {self.limit_gib:.1f} GiB: it was ended"


Outcome = Returned | Raised | Died | TimedOut | OverMemory


@dataclass(frozen=True, slots=True)
class Done:
    """One task of a job, and what became of it."""

    job: Job
    index: int  # which of `job.tasks`
    outcome: Outcome
    opening: bool = False  # the job could not be opened, so the task itself never started

    @property
    def task(self) -> Any:
        """The task as it was given."""
        return self.job.tasks[self.index]
