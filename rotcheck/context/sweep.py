"""How far an object is right: its phases against float64 at hard positions."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from rotcheck.context.angle_profile import AngleProfile
from rotcheck.context.angle_sources import AngleSource, Look, NoRotation, Turns, reason
from rotcheck.context.asked_positions import POSITIONS
from rotcheck.measure.judge import RIGHT_PHASE
from rotcheck.rotary.frequencies import wrap

SLOW = 0.5  # seconds that a call may take before larger positions are left out
NO_ROTATION = math.inf  # radians, of what is no rotation any more
REPEATS = 2  # calls to see whether it really takes as long
NORM = 0.05  # share by which the length of a turned pair may be off
Phase = tuple[int, float]
"""A position, and by how much its worst pair is off, in radians."""


@dataclass(slots=True)
class Curve:
    """Phase errors by position, and up to which one all are right."""

    # radians, of the worst pair; `NO_ROTATION`: no rotation
    errors: dict[int, float] = field(default_factory=dict)
    # the last position before the first wrong one; None: not even position 0
    right_to: int | None = None
    wrong_at: int | None = None
    exact: bool = False  # these two are neighbours
    limit: str | None = None  # why no larger position was asked for
    refusal: int | None = None  # the position that it raised for
    fault: str | None = None  # the finding, where what came back is no rotation
    words: str | None = None


class Truth:
    """What the angles must be, in float64."""

    def __init__(self, profile: AngleProfile) -> None:
        self._frequencies = torch.tensor(profile.frequencies, dtype=torch.float64)
        self._zero = torch.tensor(profile.zero, dtype=torch.float64)
        self._amplitude, self._direction = profile.amplitude, profile.direction

    def angles(self, positions: Sequence[int]) -> Tensor:
        """The angles (n, P) at these positions."""
        at = torch.tensor(list(positions), dtype=torch.float64)
        return self._zero + self._direction * at[:, None] * self._frequencies

    def errors(self, turns: Turns, positions: Sequence[int]) -> list[float]:
        """By how much the worst pair of each position is off, in radians."""
        if turns.cos.shape[-1] != len(self._frequencies):
            raise NoRotation(
                f"turns {turns.cos.shape[-1]} pairs where it turned {len(self._frequencies)}"
            )
        off = wrap(turns.angles - self.angles(positions)).abs().amax(-1)
        norm = torch.hypot(turns.cos, turns.sin) / self._amplitude
        whole = ((norm - 1).abs() <= NORM).all(-1)  # NaN is not
        return [float(o) if ok else NO_ROTATION for o, ok in zip(off, whole)]

    def fault(self, turns: Turns, positions: Sequence[int]) -> tuple[str, str]:
        """The finding for turns that are no rotation, and words."""
        if not bool(torch.isfinite(turns.cos).all() and torch.isfinite(turns.sin).all()):
            return "not-finite", "the result has NaN or infinite elements"
        if not bool(turns.cos.any() or turns.sin.any()):
            return "zeros", "the result is zeros"
        cos = self.angles(positions).cos() * self._amplitude
        if not bool(turns.sin.any()) and bool(
            (turns.cos - cos).abs().max() < NORM * self._amplitude
        ):
            return "imaginary-dropped", "x * cos is all that is left: sin is lost"
        return (
            "no-rotation",
            "the result is not a rotation: cos**2 + sin**2 is not the same everywhere",
        )


def sweep(source: AngleSource, profile: AngleProfile, most: int = POSITIONS[-1]) -> Curve:
    """Measure an object at hard positions up to `most`, and look for the first wrong one.

    Raises what the object raises at the smallest positions.
    """
    curve, truth = Curve(), Truth(profile)
    reach = source.range_to(most)
    look = reach.look
    for group in groups(profile, min(reach.last, most)):
        began = time.perf_counter()
        try:
            turns = look(group)
            _add(curve, truth, turns, group)
        except NoRotation as error:
            _lose(curve, group, error.finding, str(error))
        except Exception as error:
            if not curve.errors:
                raise
            curve.limit, curve.refusal = f"position {group[0]}: {reason(error)}", group[0]
            break
        if reach.by_one and time.perf_counter() - began > SLOW and is_slow(look, group):
            curve.limit = f"behind position {group[-1]}: a call takes more than {SLOW:g} s"
            break
    else:
        curve.limit, curve.refusal = reach.limit, reach.last + 1 if reach.refusal else None
    _refine(curve, truth, look, source.at_once)
    return curve


def is_slow(look: Look, group: Sequence[int]) -> bool:
    """Whether a call takes long each time: the first of a shape may have compiled something."""
    for _ in range(REPEATS):
        began = time.perf_counter()
        look(group)
        if time.perf_counter() - began <= SLOW:
            return False
    return True


def groups(profile: AngleProfile, last: int) -> list[tuple[int, ...]]:
    """The positions to ask for: the small ones together, the larger ones one by one."""
    positions = sorted({*POSITIONS, profile.judged_to - 1, last})
    positions_within = [position for position in positions if position <= last]
    return [
        tuple(p for p in positions_within if p < 4),
        *((p,) for p in positions_within if p >= 4),
    ]


def _add(curve: Curve, truth: Truth, turns: Turns, positions: Sequence[int]) -> None:
    errors = truth.errors(turns, positions)
    curve.errors.update(zip(positions, errors))
    if NO_ROTATION in errors and curve.fault is None:
        curve.fault, curve.words = truth.fault(turns, positions)


def _lose(curve: Curve, positions: Sequence[int], finding: str, words: str) -> None:
    curve.errors.update(dict.fromkeys(positions, NO_ROTATION))
    curve.fault, curve.words = curve.fault or finding, curve.words or words


def _refine(curve: Curve, truth: Truth, look: Look, at_once: int) -> None:
    """Find the last position that is right, between the two that were asked for."""
    positions = sorted(curve.errors)
    wrong = next(
        (position for position in positions if not curve.errors[position] <= RIGHT_PHASE), None
    )
    right = max(
        (position for position in positions if wrong is None or position < wrong), default=None
    )
    while right is not None and wrong is not None and wrong - right > 1:
        (right, curve.errors[right]), (wrong, curve.errors[wrong]) = _narrow(
            truth, look, (right, curve.errors[right]), (wrong, curve.errors[wrong]), at_once
        )
    curve.right_to, curve.wrong_at = right, wrong
    curve.exact = wrong is not None


def _narrow(
    truth: Truth, look: Look, right: Phase, wrong: Phase, at_once: int
) -> tuple[Phase, Phase]:
    """Two positions between these, closer to each other, of which the first is right."""
    step = max(1, math.ceil((wrong[0] - right[0]) / (at_once + 1)))
    between = list(range(right[0] + step, wrong[0], step))
    try:
        errors = truth.errors(look(between), between)
    except NoRotation:
        errors = [NO_ROTATION] * len(between)
    rising = [right, *zip(between, errors), wrong]
    bad = next(at for at, (_, error) in enumerate(rising) if not error <= RIGHT_PHASE)
    return rising[bad - 1], rising[bad]
