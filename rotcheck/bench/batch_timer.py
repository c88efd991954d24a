"""What is timed against each other: two implementations, and a copy of the input."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor

from rotcheck.bench.workload import Size, Workload, synchronizer
from rotcheck.measure.subject import Subject

BATCH_BYTES = 1 << 24  # of fresh inputs that a batch may hold
MOST_CALLS = 10_000  # in one batch

Inputs = Sequence[Tensor]


class BatchTimer:
    """A call on inputs, timed in batches between two waits for the device."""

    def __init__(
        self,
        workload: Workload,
        size: Size,
        call: Callable[[Inputs], Any],
        running: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.workload, self._call, self._running = workload, call, running
        self._wait = synchronizer(size.device)
        self.bytes = workload.bytes
        self.most_calls = max(1, BATCH_BYTES // workload.bytes) if workload.fresh else MOST_CALLS

    def batch(self, calls: int) -> float:
        """Call it so many times; the seconds until the device has done the last call."""
        inputs = [self.workload.inputs() for _ in range(calls)]
        call, wait = self._call, self._wait
        with self._running():
            wait()
            began = time.perf_counter()
            for arguments in inputs:
                call(arguments)
            wait()
            return time.perf_counter() - began

    def once(self, around: AbstractContextManager[Any]) -> None:
        """Call it once inside a context, and hold its result until the context ends."""
        inputs = self.workload.inputs()
        self._wait()  # a device may still be at work on them
        with self._running(), around:
            result = self._call(inputs)
            self._wait()
        del result


def rotation_timer(subject: Subject, size: Size) -> BatchTimer:
    """An implementation with a workload of its own."""
    workload = Workload(subject.convention, size)
    step = workload.backward if size.backward else workload.forward
    return BatchTimer(
        workload, size, lambda inputs: step(subject.function, inputs), subject.running
    )


def copy_timer(timer: BatchTimer, size: Size) -> BatchTimer:
    """What copies the inputs of a timer: twice where that one goes forward and backward."""
    times = 2 if size.backward else 1
    return BatchTimer(timer.workload, size, lambda inputs: timer.workload.copy(times))
