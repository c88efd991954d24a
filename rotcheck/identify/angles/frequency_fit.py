"""From angles at positions to frequencies, the schedule behind them, and where the angles leave it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.identify.angles.measured_angles import Angles, estimate_frequencies, wrap
from rotcheck.identify.reading.narrower_dtypes import narrow_dtype
from rotcheck.rotary.recognition import Recognition, recognise
from rotcheck.rotary.schedules import Plain, Schedule

RIGHT = 1e-2  # radians: a phase further off is not right
TOLERANCES = (2e-5, 1e-4, 1e-3, 2e-2)  # float32, and what narrower dtypes leave of frequencies
CLOSE = 1e-6  # what float32 costs a frequency
# relative: of a frequency, and of its product with a position
ROUNDING = 2 * torch.finfo(torch.float32).eps
EXACT = 3  # positions up to which every dtype holds a position


@dataclass(frozen=True, slots=True)
class Fit:
    """The frequencies behind angles, the schedule that gives them, and where the angles leave it."""

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


def fit(
    seen: Angles,
    direction: int,
    head_dim: int | None,
    noise: float = 0.0,
    known: Sequence[Schedule] = (),
) -> Fit:
    """Fit the angles seen at each position; `noise`: what the dtype of a table may hide of an angle, in radians.

    `known`: schedules that the object itself speaks of. A schedule that float32 explains comes first. Frequencies of
    its own are no fault as long as angles grow with the position; such that a narrower dtype holds exactly were
    rounded to it, and the schedule they come from is told.
    """
    signed = {position: angle * direction for position, angle in seen.items()}
    own = estimate_frequencies(signed)
    steady = _departs(signed, own, noise)[0] is None
    if steady and not _rounded(own):
        return _steady(signed, own, head_dim, noise, known)
    for tolerance in TOLERANCES:
        for each in (
            own,
            estimate_frequencies(signed, EXACT),
        ):  # rounded positions spoil the fit further on
            found = _recognised(each, head_dim, tolerance, known)
            if found is None or found.schedule is None:
                continue
            small = {position: angle for position, angle in signed.items() if position <= EXACT}
            if _departs(small, _of_schedule(found, len(each)), noise)[0] is None:
                return _fit(signed, _of_schedule(found, len(each)), found, noise)
    return _fit(signed, own if steady else estimate_frequencies(signed, EXACT), None, noise)


def _steady(
    seen: Angles, own: Tensor, head_dim: int | None, noise: float, known: Sequence[Schedule]
) -> Fit:
    """Return the schedule that explains every angle, its numbers as exact as that asks for; else its own.

    What `noise` hides of few rows, more rows show: a schedule that is only near is none.
    """
    fits: list[Recognition] = []
    right: list[tuple[Tensor, Recognition]] = []
    for tolerance in (CLOSE, *TOLERANCES[: len(TOLERANCES) if noise else 1]):
        found = _recognised(own, head_dim, tolerance, known)
        if found is None or found.schedule is None:
            continue
        fits.append(found)
        exact = _of_schedule(found, len(own))
        if (found.departure < TOLERANCES[0] / 10 or noise) and _departs(seen, exact, noise)[
            0
        ] is None:
            right.append((exact, found))
            if not noise or isinstance(found.schedule, Plain):
                break
    if right:  # what rounding leaves of a table passes for a scaling of 1.002 as well
        exact, found = next((one for one in right if isinstance(one[1].schedule, Plain)), right[0])
        return _fit(seen, exact, found, noise)
    near = [found for found in fits if found.departure < TOLERANCES[0]]
    return _fit(seen, own, near[0] if near else None, noise)


def _rounded(frequencies: Tensor) -> bool:
    """Return whether all frequencies are such as bfloat16 or float16 holds."""
    turning = frequencies[frequencies > 6.2e-5]  # above float16's smallest normal number
    return len(turning) > 2 and narrow_dtype(turning, 2e-6) is not None


def _recognised(
    own: Tensor, head_dim: int | None, tolerance: float, known: Sequence[Schedule]
) -> Recognition | None:
    own = torch.where(own.abs() < 1e-9, 0.0, own)
    try:
        return recognise(own, head_dim, known, tolerance)
    except ValueError:  # fewer than two pairs turn, or some turn backwards
        return None


def _of_schedule(known: Recognition, pairs: int) -> Tensor:
    assert known.schedule is not None, "it was recognised"
    whole = known.schedule.inverse_frequencies(known.rotary_dim)
    exact = torch.zeros(max(pairs, len(whole)), dtype=torch.float64)
    exact[: len(whole)] = whole
    return exact[:pairs]


def _fit(seen: Angles, exact: Tensor, known: Recognition | None, noise: float) -> Fit:
    wrong_at, error, longest = _departs(seen, exact, noise)
    why, past = (
        _why(seen, exact, wrong_at, known is not None) if wrong_at is not None else ("", False)
    )
    return Fit(
        frequencies=exact,
        schedule=known.schedule if known else None,
        alternatives=known.alternatives if known else (),
        departure=known.departure if known else 0.0,
        turning=known.rotary_dim // 2 if known else int((exact.abs() > 1e-9).sum()),
        wrong_at=wrong_at,
        error=error,
        longest=longest,
        past=past,
        why=why,
    )


def _why(seen: Angles, frequencies: Tensor, position: int, known: bool) -> tuple[str, bool]:
    """Explain a wrong angle: by the position that it is right for, and whether that is far off, or by a rounding.

    `known`: the frequencies are those of a schedule; else nothing tells what was rounded.
    """
    zero = seen.get(0, torch.zeros_like(frequencies))
    angle = seen[position] - zero
    others = torch.arange(position + 65, dtype=torch.float64)
    off = wrap(others[:, None] * frequencies - angle).abs().amax(-1)  # (positions,)
    near = (off < RIGHT).nonzero().flatten().tolist()
    if near:
        far = abs(near[0] - position) > position * 2**-7
        return f"it is turned as position {near[0]} should be", far
    gone = position * frequencies
    rounded = wrap(gone - angle).abs() <= gone.abs() * 2**-7 + RIGHT
    if known and (_rounded(estimate_frequencies(seen)) or bool(rounded.all())):
        return "frequencies or angles are rounded to less than float32", False
    return "", False


def _departs(seen: Angles, frequencies: Tensor, noise: float) -> tuple[int | None, float, int]:
    worst, longest = 0.0, 0
    zero = seen.get(0, torch.zeros_like(frequencies))
    for position in sorted(seen):
        gone = position * frequencies
        off = wrap(seen[position] - zero - gone).abs()  # (P,)
        if bool((off > noise + (ROUNDING * gone.abs()).clamp(min=RIGHT)).any()):
            return position, float(off.max()), longest
        worst, longest = max(worst, float(off.max())), position
    return None, worst, longest
