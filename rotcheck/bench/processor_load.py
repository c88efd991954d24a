"""How much of the processor other processes took meanwhile; functions with several threads wait for them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil


class ProcessorLoad:
    """What was seen while it was entered: `busy_percent`, of all cores; 0 before."""

    busy_percent = 0.0

    @contextmanager
    def observe(self) -> Iterator[None]:
        """Watch from here to the end of the block."""
        before, process_seconds = psutil.cpu_times(), time.process_time()
        yield
        after, process_seconds = psutil.cpu_times(), time.process_time() - process_seconds
        self.busy_percent = _percent_of_others(
            _working_seconds(after) - _working_seconds(before),
            sum(after) - sum(before),
            process_seconds,
        )


def _working_seconds(times: Any) -> float:
    """Return the seconds in which cores worked."""
    working: float = (
        sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
    )
    return working


def _percent_of_others(busy: float, elapsed: float, process_seconds: float) -> float:
    """Return the share of the seconds that passed on all cores in which others worked, in percent."""
    return max(0.0, 100 * (busy - process_seconds) / elapsed) if elapsed > 0 else 0.0
