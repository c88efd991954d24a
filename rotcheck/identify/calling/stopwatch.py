"""Seconds in which a search worked or waited, whatever else the machine does."""

import time
from pathlib import Path

# nanoseconds at work, nanoseconds without a processor, turns
_QUEUE = Path("/proc/thread-self/schedstat")


class Stopwatch:
    """Seconds since it was made, without those in which this thread had no processor,
    where Linux tells them."""

    def __init__(self) -> None:
        self._start, self._queue_start = time.perf_counter(), _queue_seconds()

    def seconds(self) -> float:
        """The seconds that have passed."""
        return time.perf_counter() - self._start - (_queue_seconds() - self._queue_start)

    def past(self, limit: float, wall: float) -> bool:
        """Whether so many seconds have passed, or `wall` by the clock."""
        by_clock = time.perf_counter() - self._start
        return by_clock >= wall or (by_clock >= limit and self.seconds() >= limit)


def _queue_seconds() -> float:
    try:
        return int(_QUEUE.read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):  # another system, or a kernel built without
        return 0.0
