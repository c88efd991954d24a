"""How long a search may go on: calls that are tried, calls that run, and seconds."""

from dataclasses import dataclass, field

from rotcheck.identify.calling.stopwatch import Stopwatch
from rotcheck.identify.reading.caller import CallCount
from rotcheck.implementations.triton_interpreter import interprets

CALLS = 12000  # that are tried, most of which raise at once
RUNS = 600  # that come back
SLOW_RUNS = 60
SECONDS = 30.0
WALL = 45.0  # seconds by the clock: a process is ended after 60, and has nothing to tell then
GUESSES = 3000  # calls that no name speaks for, where none of them comes back
GUESSING = 3.0  # seconds for calls that no name speaks for, where calls are fast


@dataclass(slots=True)
class SearchLimit(CallCount):
    """The calls and seconds of a search, and whether they are used up."""

    _clock: Stopwatch = field(default_factory=Stopwatch)
    _guesses: "SearchLimit | None" = None  # the count when they began, and the time since

    def guess(self) -> None:
        """Say that no name speaks for the calls that follow: fewer of them are worth trying."""
        self._guesses = SearchLimit(self.calls, self.runs)

    def is_reached(self) -> bool:
        """Whether no further call is to be tried."""
        runs = SLOW_RUNS if interprets() else RUNS
        if self.calls >= CALLS or self.runs >= runs or self._clock.past(SECONDS, WALL):
            return True
        start = self._guesses
        if start is None or interprets():
            return False
        fruitless = self.runs == start.runs and self.calls - start.calls >= GUESSES
        return fruitless or start._clock.past(GUESSING, WALL)

    def words(self, call: str, width: int) -> str:
        """What was tried and what remains, of a search that ended at a call in heads of a width."""
        return (
            f"{call} in heads of {width} lanes is where the search stopped: {self.calls} calls were tried, {self.runs} "
            f"ran, in {self._clock.seconds():.0f} s; later calls were not tried"
        )
