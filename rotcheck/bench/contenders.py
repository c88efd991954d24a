"""What is timed against each other: two implementations, and a copy of the input."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor

from rotcheck.bench.loaded import Loaded
from rotcheck.bench.problem import Problem, Size, synchronizer

BATCH_BYTES = 1 << 24  # of fresh inputs that a batch may hold
MOST_CALLS = 10_000  # in one batch

Inputs = Sequence[Tensor]


class Contender:
    """A call on inputs, timed in batches between two waits for the device."""

    def __init__(
        self,
        problem: Problem,
        size: Size,
        call: Callable[[Inputs], Any],
        running: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.problem, self._call, self._running = problem, call, running
        self._wait = synchronizer(size.device)
        self.bytes = problem.bytes
        self.most_calls = max(1, BATCH_BYTES // problem.bytes) if problem.fresh else MOST_CALLS

    def batch(self, calls: int) -> float:
        """Call it so many times; return the seconds from the first call until the device has done the last."""
        inputs = [self.problem.inputs() for _ in range(calls)]
        call, wait = self._call, self._wait
        with self._running():
            wait()
            began = time.perf_counter()
            for each in inputs:
                call(each)
            wait()
            return time.perf_counter() - began

    def once(self, around: AbstractContextManager[Any]) -> None:
        """Call it once inside a context, and hold what it returns until the context has ended."""
        inputs = self.problem.inputs()
        self._wait()  # a device may still be at work on them
        with self._running(), around:
            held = self._call(inputs)
            self._wait()
        del held


def rotation(loaded: Loaded, size: Size) -> Contender:
    """Return an implementation with a problem of its own."""
    problem = Problem(loaded.convention, size)
    step = problem.backward if size.backward else problem.forward
    return Contender(problem, size, lambda inputs: step(loaded.function, inputs), loaded.running)


def copying(other: Contender, size: Size) -> Contender:
    """Return what copies the inputs of another contender: twice where that one goes forward and backward."""
    times = 2 if size.backward else 1
    return Contender(other.problem, size, lambda inputs: other.problem.copy(times))
