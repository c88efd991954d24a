"""From seconds of calls to figures with their noise: quartiles, paired ratios, break-even."""

import math
import statistics
from collections.abc import Sequence

from rotcheck.results import Spread

# interquartile ranges above the upper quartile: beyond that a call did more than its usual work
USUAL = 1.5
NO_CHANGE = Spread(median=1.0, q25=1.0, q75=1.0)


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles of at least one value."""
    if len(values) == 1:
        return Spread(median=values[0], q25=values[0], q75=values[0])
    q25, median, q75 = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median=median, q25=q25, q75=q75)


def ratio(first: Sequence[float], second: Sequence[float]) -> Spread:
    """first / second, paired: both of a pair were measured in the same round."""
    return spread([a / b for a, b in zip(first, second, strict=True)])


def excess(first_calls: Sequence[float], steady: Spread) -> float:
    """The seconds by which unusually long first calls exceed steady ones."""
    usual = steady.q75 + USUAL * (steady.q75 - steady.q25)
    return sum(seconds - steady.median for seconds in first_calls if seconds > usual)


def is_significant(speedup: Spread, floor: Spread = NO_CHANGE) -> bool:
    """Whether a speed-up is more than noise: its quartiles exclude 1 and those of the floor.

    `floor`: the baseline against itself, which would be 1 without noise.
    """
    return not (speedup.meets(NO_CHANGE) or speedup.meets(floor))


def break_even(extra: float, steady: Spread, speedup: Spread) -> int | None:
    """After how many calls `extra` seconds are paid back; None: never; 0: nothing to pay back.

    `steady`: seconds of one call; `speedup`: how many times as long the other one takes.
    """
    if speedup.median <= 1 or not is_significant(speedup):
        return None
    gain = steady.median * (speedup.median - 1)
    return math.ceil(max(0.0, extra) / gain)
