"""How much of the processor other processes took meanwhile; functions with several threads wait for them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil


class Neighbours:
    """What was seen while it was entered: `busy_percent`, of all cores; 0 before."""

    busy_percent = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch from here to the end of the block."""
        before, own = psutil.cpu_times(), time.process_time()
        yield
        after, own = psutil.cpu_times(), time.process_time() - own
        self.busy_percent = _others(_spent(after) - _spent(before), sum(after) - sum(before), own)


def _spent(times: Any) -> float:
    """Return the seconds in which cores worked."""
    spent: float = (
        sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
    )
    return spent


def _others(busy: float, passed: float, own: float) -> float:
    """Return the share of the seconds that passed on all cores in which others worked, in percent."""
    return max(0.0, 100 * (busy - own) / passed) if passed > 0 else 0.0
