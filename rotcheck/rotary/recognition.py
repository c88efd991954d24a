"""The way back: which schedule gave these frequencies?"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rotcheck.rotary.frequencies import inverse_frequencies
from rotcheck.rotary.schedules import (
    Blend,
    Linear,
    Llama3,
    Ntk,
    OverHeadDim,
    Plain,
    Proportional,
    Schedule,
    Yarn,
)

WELL_KNOWN_THETAS = (1e4, 1.5e5, 1.6e5, 5e5, 1e6, 5e6, 1e7)
"""RoFormer and most others, gpt-oss, ModernBERT, Llama 3, Qwen and CodeLlama, Yi, Qwen2.5-1M."""

TWICE = 0.5  # what was rotated twice turns by twice the angle
SENSIBLE = 4
"""Digits that a scaling factor has at most: 2.125, say.

With more of them one could be found for any row.
"""


@dataclass(frozen=True, slots=True)
class Recognition:
    """Which schedule explains measured frequencies, and how well:
    `str()` of it says the same in words.

    `schedule`: the likeliest that does; None when no known one does, since none is guessed.
    `alternatives`: what explains them just as well, which frequencies alone cannot tell. All are
    over `rotary_dim`, the lanes that turn, save Proportional, which is over all lanes.
    """

    schedule: Schedule | None
    alternatives: tuple[Schedule, ...]
    # worst |measured / expected - 1|; expected without a schedule: the nearest geometric row
    departure: float
    pair: int  # where that is
    rotary_dim: int

    def __str__(self) -> str:
        worst = f"worst departure {self.departure:.1e}, at pair {self.pair}"
        if self.schedule is None:
            return f"no known schedule; from the nearest geometric row: {worst}"
        alternatives = "".join(f"\n  or {schedule}" for schedule in self.alternatives)
        return f"{self.schedule} over {self.rotary_dim} lanes: {worst}{alternatives}"


def recognise(
    frequencies: Tensor,
    head_dim: int | None = None,
    candidates: Sequence[Schedule] = (),
    tolerance: float = 2e-5,
) -> Recognition:
    """The schedules that give these inverse frequencies, each pair within the relative tolerance.

    `frequencies`: (P,), float64, in radians a position; pairs that stand still are 0, at the end.
    `head_dim`: lanes of the head, where these may be more than 2P. `candidates`: schedules to try
    beside the common ones, such as what a configuration asks for. Numbers come back with the fewest
    digits that the tolerance allows. What frequencies cannot show stays at its default: attention
    factors, the betas of YaRN, the low factor of Llama 3; dynamic NTK shows its scale alone.
    LongRoPE could explain any figures, so it is named only when `candidates`.

    Raises TypeError for another dtype; ValueError unless two pairs or more turn,
    by positive and finite frequencies.
    """
    turning = _turning(frequencies)  # (K,), K <= P
    rows = list(_rows(turning, head_dim, len(frequencies), tolerance))
    schedules = (*candidates, *(rows or _blends(turning, tolerance)))
    departures = {each: _departure(each, frequencies, len(turning)) for each in schedules}
    fits = [schedule for schedule, (worst, _) in departures.items() if worst <= tolerance]
    usual = {each for each in fits if getattr(each, "theta", None) in WELL_KNOWN_THETAS}
    fits.sort(key=lambda each: each not in usual and each not in candidates)
    worst, pair = departures[fits[0]] if fits else nearest_row(turning)
    return Recognition(fits[0] if fits else None, tuple(fits[1:]), worst, pair, 2 * len(turning))


def _turning(frequencies: Tensor) -> Tensor:
    if frequencies.dtype != torch.float64 or frequencies.dim() != 1:
        raise TypeError(
            f"frequencies are {frequencies.dtype} {tuple(frequencies.shape)}; give float64 (P,)"
        )
    turning = frequencies.cpu()[: int(frequencies.count_nonzero())]
    if len(turning) < 2 or not ((turning > 0) & turning.isfinite()).all():
        raise ValueError(
            "two pairs or more must turn, by positive and finite frequencies; 0 is for those after them"
        )
    return turning


def _departure(schedule: Schedule, frequencies: Tensor, turning: int) -> tuple[float, int]:
    """The worst relative departure and its pair;
    infinite where no such head can have the schedule."""
    pairs = len(frequencies) if isinstance(schedule, Proportional) else turning
    try:
        right = schedule.inverse_frequencies(2 * pairs)  # (pairs,)
    except ValueError:
        return math.inf, 0
    ratios_of = frequencies[:pairs].cpu()
    return _worst(torch.where(ratios_of == right, 1.0, ratios_of / right))  # 0 / 0 agrees


def _worst(ratios: Tensor) -> tuple[float, int]:
    worst, pair = (ratios - 1).abs().max(0)
    return worst.item(), int(pair)


def _rows(
    turning: Tensor, head_dim: int | None, pairs: int, tolerance: float
) -> Iterator[Schedule]:
    """Yield what a geometric row of frequencies can be: nothing when it is none."""
    lanes, still = 2 * len(turning), len(turning) < pairs
    factor = _shortest((1 - tolerance) / turning[0].item(), (1 + tolerance) / turning[0].item())
    low, high = (theta_bound[-1] for theta_bound in _thetas(turning * factor, tolerance))
    if not 0 < low <= high < math.inf:
        return
    theta = _shortest(low.item(), high.item())
    if factor == 1:
        yield Plain(theta)
    elif (
        (factor > 1 or factor == TWICE)  # positions are divided: nobody stretches them
        and not _half_a_step(turning)
        and min(_digits(factor), _digits(_shortest_of_inverse(factor, tolerance))) <= SENSIBLE
    ):
        yield Linear(factor, theta)
    full = 2 * pairs if still else head_dim or lanes
    over_full = _shortest(*((theta_bound ** (full / lanes)).item() for theta_bound in (low, high)))
    if still and 0 < over_full < math.inf:
        yield Proportional(len(turning) / pairs, over_full, factor)
    elif lanes < full and factor == 1 and over_full in WELL_KNOWN_THETAS:
        yield OverHeadDim(full, over_full)
    for base in WELL_KNOWN_THETAS if factor == 1 else ():
        scale = _shortest(*((bound / base).item() ** (1 - 2 / lanes) for bound in (low, high)))
        if scale > 1 and _digits(scale) <= 2:  # more digits would explain any theta
            yield Ntk(scale, base)


def _blends(turning: Tensor, tolerance: float) -> Iterator[Schedule]:
    """Yield YaRN and Llama 3 with usual parameters,
    each with the factor that the last pair asks for."""
    lanes = 2 * len(turning)
    # (K-1,) each: it holds up to the last pair that is kept
    low, high = _thetas(turning, tolerance)
    ranges = torch.stack((low, high), -1)[(low > 1) & (low <= high) & high.isfinite()].tolist()
    thetas = (*WELL_KNOWN_THETAS, *(_shortest(*theta_range) for theta_range in ranges))
    for theta in dict.fromkeys(thetas):
        share = (turning[-1] / inverse_frequencies(lanes, theta)[-1]).item()
        for blend in _usual(theta):
            factor = _factor(share, blend.kept(lanes), tolerance)
            if factor:
                yield replace(blend, factor=factor)


def _factor(share: float, unscaled: Tensor, tolerance: float) -> float | None:
    """Solve share = kept + (1 - kept) / factor for the last pair;
    None if that gives no factor over 1.

    Or if fewer than three pairs are not kept: any wrong pair at the end would have some factor,
    so others confirm it.
    """
    last = unscaled[-1].item()
    most, least = (share * (1 + tolerance) - last, share * (1 - tolerance) - last)
    if (unscaled < 1).sum() < 3 or not 0 < least <= most < 1 - last:
        return None
    return _shortest((1 - last) / most, (1 - last) / least)


def _usual(theta: float) -> Iterator[Blend]:
    for length in (2**power for power in range(10, 21)):
        yield Yarn(1.0, length, theta)
        yield Yarn(1.0, length, theta, truncate=False)  # gpt-oss
        yield Llama3(1.0, length, theta)
        yield Llama3(1.0, length, theta, high_freq_factor=1.0)  # Llama 4 Scout


def _thetas(turning: Tensor, tolerance: float) -> tuple[Tensor, Tensor]:
    """The least and the largest theta that pairs 1 to k allow, (K - 1,) each;
    none where they cross."""
    # (K-1,)
    power = -len(turning) / torch.arange(1, len(turning), dtype=torch.float64, device="cpu")
    # (K-1,) each
    low, high = (((1 + off) * turning[1:]).pow(power) for off in (tolerance, -tolerance))
    return low.cummax(0).values, high.cummin(0).values


def _shortest(low: float, high: float) -> float:
    """The number with the fewest decimal digits from low to high."""
    middle = (low + high) / 2
    candidates = (float(f"{middle:.{digits}e}") for digits in range(16))
    return next((number for number in candidates if low <= number <= high), middle)


def _half_a_step(turning: Tensor) -> bool:
    """Whether a geometric row begins between pair 0 and pair 1 of a usual one:
    arange(1, d, 2), no factor."""
    first, step = turning[0].log(), (turning[-1] / turning[0]).log() / (len(turning) - 1)
    return abs(float(first / step) - 0.5) < 1e-3


def _shortest_of_inverse(factor: float, tolerance: float) -> float:
    return _shortest((1 - tolerance) / factor, (1 + tolerance) / factor)


def _digits(number: float) -> int:
    return len(f"{number:.15e}".split("e")[0].rstrip("0")) - 1  # without the point


def nearest_row(turning: Tensor) -> tuple[float, int]:
    """How far and where the pairs leave the geometric row of medians,
    which one wrong pair does not move."""
    index = torch.arange(len(turning), dtype=torch.float64, device="cpu")  # (K,)
    earlier, later = torch.triu_indices(len(turning), len(turning), 1, device="cpu")
    slope = ((turning[later] / turning[earlier]).log() / (index[later] - index[earlier])).median()
    level = turning.log() - slope * index  # (K,)
    return _worst((level - level.median()).exp())
