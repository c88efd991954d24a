"""In what frequencies that follow no known schedule depart from one."""

import math
from dataclasses import dataclass

from torch import Tensor

from rotcheck.rotary.frequencies import inverse_frequencies
from rotcheck.rotary.recognition import WELL_KNOWN_THETAS, nearest_row

SAME_FREQUENCY = 1e-4  # relative
FEWEST = 2  # pairs at either end that tell a band


@dataclass(frozen=True, slots=True)
class Departure:
    """What departs, in words; `exchanged`: the fast pairs are slowed and the slow ones are kept."""

    words: str
    exchanged: bool = False


def departure(frequencies: Tensor) -> Departure:
    """How frequencies (P,), float64, depart from the schedules in use;
    pairs that stand still are 0."""
    turning = frequencies[frequencies > 0]
    if len(turning) < 3:
        count = f"{len(turning)} of {len(frequencies)}"
        return Departure(f"{count} pairs turn, too few to tell a schedule by")
    return _bands(turning) or _row(turning) or _worst(turning)


def _bands(turning: Tensor) -> Departure | None:
    """That fast pairs are divided and slow ones are not, where that is plain."""
    for theta in WELL_KNOWN_THETAS:
        share = turning / inverse_frequencies(2 * len(turning), theta)  # (P,)
        is_plain, factor = (share - 1).abs() < SAME_FREQUENCY, 1 / float(share[0])
        is_divided = (share * factor - 1).abs() < SAME_FREQUENCY
        plain = int(is_plain[-FEWEST:].sum()) == int(is_divided[:FEWEST].sum()) == FEWEST
        between = (share > (1 - SAME_FREQUENCY) / factor) & (share < 1 + SAME_FREQUENCY)
        if plain and factor > 1 + SAME_FREQUENCY and bool(between.all()):
            last, first = _run(is_divided), len(is_plain) - _run(is_plain.flip(0))
            words = (
                f"its fast pairs, 0 to {last - 1}, are divided by {factor:.4g} and its slow ones, {first} to "
                f"{len(is_plain) - 1}, are kept at theta {theta:g}; every known schedule keeps the fast ones"
            )
            return Departure(words, exchanged=True)
    return None


def _run(yes: Tensor) -> int:
    """How many elements from the first on are True."""
    return int(yes.int().cumprod(0).sum())


def _row(turning: Tensor) -> Departure | None:
    """Where a geometric row begins, when it does not begin at 1."""
    steps = turning.log().diff()  # (P - 1,)
    if bool((steps - steps.mean()).abs().max() > SAME_FREQUENCY) or not float(steps.mean()) < 0:
        return None
    step = float(steps.mean())
    theta, at = math.exp(-step * len(turning)), math.log(float(turning[0])) / step
    if abs(at - 0.5) < 1e-3:
        words = f"theta ** (-(2i + 1) / d), theta {theta:.6g}: shifted by half a step"
    elif round(at) and abs(at - round(at)) < 1e-3:
        words = f"those of pair i + {round(at)} of theta {theta:.6g}"
    else:
        words = f"theta ** (-2i / d) times {float(turning[0]):.6g}, theta {theta:.6g}"
    return Departure(f"they are {words}")


def _worst(turning: Tensor) -> Departure:
    off, pair = nearest_row(turning)
    return Departure(f"the nearest row of powers is left by {off:.2g} of itself at pair {pair}")
