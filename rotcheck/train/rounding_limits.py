"""From figures to a verdict: which errors rounding explains, and which it does not."""

import math
import sys
from collections.abc import Sequence

from rotcheck.results import Reference, Step

LIMIT = 4.0
"""How many times what rounding does a gradient or a loss may be off.

Right implementations were off by at most 2.0 times the yardstick in their worst parameter, wrong
ones by 12 times and more in bfloat16 and 1,000 times and more in float32: docs/train.md has the
measurements.
"""

INCONCLUSIVE = 0.25
"""Of the gradient: if a right rotation is off by more, the dtype cannot tell right from wrong."""

EPS = {"float32": 2.0**-23, "bfloat16": 2.0**-7, "float16": 2.0**-10}


def times_rounding(step: Step) -> float:
    """How far the worst parameter is off, in multiples of what rounding does; infinite for NaN."""
    if step.tensor_error is None or step.tensor_rounding is None:
        return 0.0
    factor = step.tensor_error / max(step.tensor_rounding, sys.float_info.min)
    return factor if math.isfinite(factor) else math.inf


def worst(steps: Sequence[Step]) -> Step:
    """The step that is furthest off."""
    return max(steps, key=times_rounding)


def wrong_at(steps: Sequence[Step]) -> int | None:
    """The first step whose gradient rounding does not explain."""
    return next((step.number for step in steps if times_rounding(step) > LIMIT), None)


def inconclusive_at(steps: Sequence[Step]) -> Step | None:
    """The first step at which the yardstick itself is too far off to tell."""
    return next((step for step in steps if not (step.rounding or 0.0) <= INCONCLUSIVE), None)


def parts_at(
    steps: Sequence[Step], truth: Reference, yardstick: Reference | None, dtype: str
) -> int | None:
    """The first step whose loss leaves the float64 curve by more than rounding explains.

    What rounding explains grows along the way, as each run goes on from its own weights: it is the
    largest distance of the yardstick's curve so far, and never less than one rounding step of the
    loss.
    """
    room = 0.0
    for at, (step, exact) in enumerate(zip(steps, truth.losses)):
        if yardstick and at < len(yardstick.losses):
            room = max(room, abs(yardstick.losses[at] - exact))
        if not abs(step.loss - exact) <= LIMIT * max(room, EPS[dtype] * abs(exact)):
            return step.number
    return None
