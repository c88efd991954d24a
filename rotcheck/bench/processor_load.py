"""How much of the processor other processes use: functions with several threads wait for them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil


class ProcessorLoad:
    """`busy_percent` of all cores is what others used while `observe` was entered; 0 before."""

    busy_percent = 0.0

    @contextmanager
    def observe(self) -> Iterator[None]:
        """Measure from here to the end of the block."""
        before, process_seconds = psutil.cpu_times(), time.process_time()
        yield
        after, process_seconds = psutil.cpu_times(), time.process_time() - process_seconds
        self.busy_percent = _percent_of_others(
            _working_seconds(after) - _working_seconds(before),
            sum(after) - sum(before),
            process_seconds,
        )


def _working_seconds(times: Any) -> float:
    """The seconds in which cores worked."""
    working: float = (
        sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
    )
    return working


def _percent_of_others(busy: float, total: float, process_seconds: float) -> float:
    """In what share of the seconds of all cores others worked, in percent."""
    return max(0.0, 100 * (busy - process_seconds) / total) if total > 0 else 0.0
