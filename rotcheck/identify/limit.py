"""How long a search may go on: calls that are tried, calls that run, and seconds."""

import time
from dataclasses import dataclass, field

from rotcheck.implementations.interpreter import interprets

CALLS = 12000  # that are tried, most of which raise at once
RUNS = 600  # that come back
SLOW_RUNS = 60
SECONDS = 30.0


@dataclass(slots=True)
class Limit:
    """What a search has used of its calls and seconds."""

    calls: int = 0
    runs: int = 0
    started: float = field(default_factory=time.perf_counter)

    def reached(self) -> bool:
        """Return whether no further call is to be tried."""
        runs = SLOW_RUNS if interprets() else RUNS
        return self.calls >= CALLS or self.runs >= runs or self._seconds() >= SECONDS

    def words(self, call: str, width: int) -> str:
        """Return what was tried and what remains, of a search that ended at a call in heads of a width."""
        return (
            f"{call} in heads of {width} lanes is where the search stopped: {self.calls} calls were tried, {self.runs} "
            f"ran, in {self._seconds():.0f} s; what comes behind it was not tried"
        )

    def _seconds(self) -> float:
        return time.perf_counter() - self.started
