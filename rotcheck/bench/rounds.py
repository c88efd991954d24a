"""Runs timers in turn, round by round, so that drift affects all of them alike."""

from collections.abc import Sequence
from itertools import cycle, permutations
from typing import Protocol

# calls: TorchScript's profiling executor compiles at the second one, its backward at the third
WARM_UP = 4
FEWEST, MOST = 7, 1000  # rounds
# seconds that the calls of one batch take together, against which reading a clock is nothing
BATCH = 0.005


class SupportsBatches(Protocol):
    """Something that can be called and timed."""

    most_calls: int  # in one batch

    def batch(self, calls: int) -> float:
        """Call it so many times; the seconds that all of them took together."""


def warm_up(timer: SupportsBatches) -> list[float]:
    """The seconds of each of its first calls."""
    return [timer.batch(1) for _ in range(WARM_UP)]


def calls_of(timer: SupportsBatches, seconds: float) -> int:
    """How many calls of so many seconds make a batch."""
    return max(1, min(timer.most_calls, round(BATCH / max(seconds, 1e-9))))


def interleaved(
    timers: Sequence[SupportsBatches], calls: Sequence[int], budget: float
) -> list[list[float]]:
    """The seconds of one call of each timer in each round.

    Each round runs a batch of each, behind a call that is not timed, in every order in turn. It
    ends when all batches together took `budget` seconds, after 7 rounds at least and 1000 at most.
    """
    seconds: list[list[float]] = [[] for _ in timers]
    orders = cycle(permutations(range(len(timers))))
    seconds_used = 0.0
    while len(seconds[0]) < FEWEST or (seconds_used < budget and len(seconds[0]) < MOST):
        for at in next(orders):
            timers[at].batch(1)  # not timed: the one before gave memory back to the system
            batch_seconds = timers[at].batch(calls[at])
            seconds[at].append(batch_seconds / calls[at])
            seconds_used += batch_seconds
    return seconds
