"""Mistakes with a number that is fitted to the result:
another theta, a factor, other frequencies."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.prediction import Prediction, with_angles
from rotcheck.rotary import inverse_frequencies
from rotcheck.rotary.frequencies import wrap

DIGITS = 6  # of a theta or a factor that is tried
NEARLY = 1e-9


def fits(case: Case, result: Slots) -> Iterator[Prediction]:
    """What mistakes with numbers fitted to the result would give."""
    everywhere = tuple(torch.ones_like(slot, dtype=torch.bool) for slot in result)
    yield from amplitude(case, result, everywhere)
    if not case.convention.takes_tables:
        yield from _frequencies(case, result)


def amplitude(case: Case, results: Slots, where: Slots) -> Iterator[Prediction]:
    """The right result times a factor that is fitted where the masks are True."""
    result, exact = (
        torch.cat([slot[mask] for slot, mask in zip(slots, where)])
        for slots in (results[:2], case.truth[:2])
    )
    factor = float((result * exact).nansum() / (exact * exact).sum()) if exact.numel() else 1.0
    if math.isfinite(factor) and abs(factor) > 1e-3:
        named_slots = zip(case.truth, case.convention.slots)
        prediction = tuple(slot if name == "v" else slot * factor for slot, name in named_slots)
        yield "scaled", f"returns the rotation times {factor:.4g}", prediction


def _frequencies(case: Case, result: Slots) -> Iterator[Prediction]:
    measurement, direction = _measure_frequencies(case, result), case.convention.direction
    if measurement is None:
        return
    positions = case.position_rows.double()[..., None]  # ([B,] S, 1)

    def with_frequencies(frequencies: Tensor) -> Slots:
        return with_angles(case, positions * frequencies * direction)

    truth = case.frequencies
    for theta in _thetas(measurement, case.rotary_dim):
        words = f"rotates with theta {theta:.6g} where {case.convention.theta:.6g} was asked for"
        yield "theta", words, with_frequencies(inverse_frequencies(case.rotary_dim, theta))
    ratios = (measurement / truth)[measurement.abs() > NEARLY]
    for factor in _round_numbers(float(ratios.median()) if len(ratios) else 1.0):
        words = f"turns every pair by {factor:.6g} times the angle"
        yield "positions-scaled", words, with_frequencies(truth * factor)
    pair = int(((measurement - truth).abs() > 0.01 * truth).to(torch.float64).argmax())
    turns, right = float(measurement[pair]), float(truth[pair])
    words = f"rotates with other frequencies: pair {pair} by {turns:.4g} rad a position, not {right:.4g}"
    yield "frequencies", words, with_frequencies(measurement)


def _measure_frequencies(case: Case, result: Slots) -> Tensor | None:
    """The frequency (P,) of each pair, refined from position to position; None: no rotation."""
    turning = case.rotary_dim // 2
    x, y = case.pairs[0][..., :turning, :], result[0][..., :turning, :].nan_to_num()
    dot = (x * y).sum((2, 4))  # (B, S, P)
    cross = (x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]).sum(2)  # (B, S, P)
    phases = torch.atan2(cross, dot).flatten(0, 1) * case.convention.direction  # (B * S, P)
    row_positions = case.position_rows.expand(case.batch, -1).flatten().tolist()
    rows = sorted((position, row) for row, position in enumerate(row_positions) if position > 0)
    if not rows:
        return None
    frequencies: Tensor = phases[rows[0][1]] / rows[0][0]
    for position, row in rows[1:]:
        phase = position * frequencies
        off = wrap(phases[row] - phase)
        if bool(off.abs().max() > 0.5):  # the rows do not turn by the same frequencies
            return None
        frequencies = (phase + off) / position
    return frequencies


def _thetas(frequencies: Tensor, rotary_dim: int) -> Iterator[float]:
    """Theta from the pair that is measured best, rounded to few digits and to more."""
    if len(frequencies) < 2:
        return
    index = torch.arange(1, len(frequencies), dtype=torch.float64, device="cpu")
    # where an error of the frequency changes theta least
    best = int((frequencies[1:] * index).argmax())
    if frequencies[1 + best] <= 0:
        return
    yield from _round_numbers(float(frequencies[1 + best].pow(-rotary_dim / (2 * (1 + best)))))


def _round_numbers(number: float) -> Iterator[float]:
    if not math.isfinite(number) or number == 0:
        return
    yield from dict.fromkeys(float(f"{number:.{digits}e}") for digits in range(DIGITS))
