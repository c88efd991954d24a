"""From angles at positions to frequencies, the schedule behind them,
and where the angles leave it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from rotcheck.identify.angles.measured_angles import Angles, estimate_frequencies
from rotcheck.identify.reading.narrower_dtypes import narrow_dtype
from rotcheck.measure.judge import RIGHT_PHASE
from rotcheck.rotary.frequencies import wrap
from rotcheck.rotary.recognition import Recognition, recognise
from rotcheck.rotary.schedules import Plain, Schedule

TOLERANCES = (2e-5, 1e-4, 1e-3, 2e-2)  # float32, and what narrower dtypes leave of frequencies
CLOSE = 1e-6  # what float32 costs a frequency
# relative: of a frequency, and of its product with a position
ROUNDING = 2 * torch.finfo(torch.float32).eps
NARROW_VALUE = 2e-6  # relative: a frequency that is so near to one of a narrow dtype is that
SMALLEST = 6.2e-5  # above float16's smallest normal number
EXACT = 3  # positions up to which every dtype holds a position


@dataclass(frozen=True, slots=True)
class Fit:
    """The frequencies behind angles, the schedule that gives them,
    and where the angles leave it."""

    frequencies: Tensor  # (P,), of the schedule where one is known
    schedule: Schedule | None
    alternatives: tuple[Schedule, ...]
    departure: float
    turning: int  # pairs that turn
    wrong_at: int | None  # the first position asked for whose phase is not right
    error: float  # radians there, or the largest
    longest: int  # the largest position asked for up to which all are right
    # it is turned as a position far from it: the end of a table, or its beginning
    past: bool = False
    # what was rounded, or which other position it takes this one for; empty: nothing known
    why: str = ""


def fit_schedule(
    angles: Angles,
    direction: int,
    head_dim: int | None,
    noise: float = 0.0,
    candidates: Sequence[Schedule] = (),
) -> Fit:
    """Fit the angles at each position; `noise`: what the dtype of a table may hide of an angle,
    in radians.

    `candidates`: schedules that the object itself speaks of. A schedule that float32 explains comes
    first. Frequencies that follow none are no fault as long as angles grow with the position; those
    that a narrower dtype holds exactly were rounded to it, and the schedule that they come from is
    named.
    """
    forward = {position: angle * direction for position, angle in angles.items()}
    frequencies = estimate_frequencies(forward)
    steady = _departs(forward, frequencies, noise)[0] is None
    if steady and not _holds_narrow_values(frequencies, noise / max(1, *forward)):
        return _steady(forward, frequencies, head_dim, noise, candidates)
    near = estimate_frequencies(forward, EXACT)  # rounded positions spoil the fit further on
    small = {position: angle for position, angle in forward.items() if position <= EXACT}
    for tolerance, estimate in product(TOLERANCES, (frequencies, near)):
        recognition = _recognise(estimate, head_dim, tolerance, candidates)
        if recognition is None:
            continue
        exact = _of_schedule(recognition, len(estimate))
        if _departs(small, exact, noise)[0] is None:
            return _fit(forward, exact, recognition, noise)
    return _fit(forward, frequencies if steady else near, None, noise)


def _steady(
    angles: Angles,
    frequencies: Tensor,
    head_dim: int | None,
    noise: float,
    candidates: Sequence[Schedule],
) -> Fit:
    """The schedule that explains every angle, its numbers as exact as that asks for; else its own.

    What `noise` hides of few rows, more rows show: a schedule that is only near is none.
    """
    fits: list[Recognition] = []
    right: list[tuple[Tensor, Recognition]] = []
    for tolerance in (CLOSE, *TOLERANCES[: len(TOLERANCES) if noise else 1]):
        recognition = _recognise(frequencies, head_dim, tolerance, candidates)
        if recognition is None:
            continue
        fits.append(recognition)
        exact = _of_schedule(recognition, len(frequencies))
        close = recognition.departure < TOLERANCES[0] / 10 or noise
        if close and _departs(angles, exact, noise)[0] is None:
            right.append((exact, recognition))
            if not noise or isinstance(recognition.schedule, Plain):
                break
    if right:  # what rounding leaves of a table passes for a scaling of 1.002 as well
        exact, recognition = next(
            (pair for pair in right if isinstance(pair[1].schedule, Plain)), right[0]
        )
        return _fit(angles, exact, recognition, noise)
    near = [recognition for recognition in fits if recognition.departure < TOLERANCES[0]]
    return _fit(angles, frequencies, near[0] if near else None, noise)


def _holds_narrow_values(frequencies: Tensor, noise: float) -> bool:
    """Whether all frequencies that are exact enough are such as bfloat16 or float16 holds, or what
    positions are divided by.

    `noise`: radians a position by which they may be off as measured.
    """
    least = max(SMALLEST, noise / NARROW_VALUE)
    turning = frequencies[frequencies > least]
    rows = (turning, 1 / turning)
    return len(turning) > 2 and any(narrow_dtype(row, NARROW_VALUE) is not None for row in rows)


def _recognise(
    frequencies: Tensor, head_dim: int | None, tolerance: float, candidates: Sequence[Schedule]
) -> Recognition | None:
    """The schedule of frequencies; None: they follow none that is known."""
    frequencies = torch.where(frequencies.abs() < 1e-9, 0.0, frequencies)
    try:
        recognition = recognise(frequencies, head_dim, candidates, tolerance)
    except ValueError:  # fewer than two pairs turn, or some turn backwards
        return None
    return recognition if recognition.schedule else None


def _of_schedule(recognition: Recognition, pairs: int) -> Tensor:
    assert recognition.schedule is not None, "it was recognised"
    whole = recognition.schedule.inverse_frequencies(recognition.rotary_dim)
    exact = torch.zeros(max(pairs, len(whole)), dtype=torch.float64)
    exact[: len(whole)] = whole
    return exact[:pairs]


def _fit(angles: Angles, exact: Tensor, recognition: Recognition | None, noise: float) -> Fit:
    wrong_at, error, longest = _departs(angles, exact, noise)
    why, past = "", False
    if wrong_at is not None:
        why, past = _why(angles, exact, wrong_at, recognition is not None, noise)
    return Fit(
        frequencies=exact,
        schedule=recognition.schedule if recognition else None,
        alternatives=recognition.alternatives if recognition else (),
        departure=recognition.departure if recognition else 0.0,
        turning=recognition.rotary_dim // 2 if recognition else int((exact.abs() > 1e-9).sum()),
        wrong_at=wrong_at,
        error=error,
        longest=longest,
        past=past,
        why=why,
    )


def _why(
    angles: Angles, frequencies: Tensor, position: int, has_schedule: bool, noise: float
) -> tuple[str, bool]:
    """Explain a wrong angle: by the position that it is right for, or by a rounding.

    Beside it, whether it is a row past the end of a table: the right position is far off, or the
    last position asked for is turned as the same one.

    `has_schedule`: the frequencies are those of a schedule; else nothing tells what was rounded.
    """
    zero = angles.get(0, torch.zeros_like(frequencies))
    angle = angles[position] - zero
    positions = torch.arange(position + 65, dtype=torch.float64)
    off = wrap(positions[:, None] * frequencies - angle).abs().amax(-1)  # (positions,)
    near = (off < RIGHT_PHASE).nonzero().flatten().tolist()
    if near:
        row = positions[near[0]] * frequencies
        last = angles[max(angles)] - zero
        ended = max(angles) > position and bool(wrap(row - last).abs().max() < RIGHT_PHASE)
        far = abs(near[0] - position) > position * 2**-7
        return f"it is turned as position {near[0]} should be", far or ended
    turn = position * frequencies
    near_rounding = wrap(turn - angle).abs() <= turn.abs() * 2**-7 + RIGHT_PHASE
    if has_schedule and (
        _holds_narrow_values(estimate_frequencies(angles), noise / max(1, *angles))
        or bool(near_rounding.all())
    ):
        return "frequencies or angles are rounded to less than float32", False
    return "", False


def _departs(angles: Angles, frequencies: Tensor, noise: float) -> tuple[int | None, float, int]:
    worst, longest = 0.0, 0
    zero = angles.get(0, torch.zeros_like(frequencies))
    for position in sorted(angles):
        turn = position * frequencies
        off = wrap(angles[position] - zero - turn).abs()  # (P,)
        if bool((off > noise + (ROUNDING * turn.abs()).clamp(min=RIGHT_PHASE)).any()):
            return position, float(off.max()), longest
        worst, longest = max(worst, float(off.max())), position
    return None, worst, longest
