"""Mistakes with a number in them, which the result itself tells: another theta, a factor, frequencies of its own."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.mistakes import Prediction, with_turn
from rotcheck.rotary import inverse_frequencies, rotate

DIGITS = 6  # of a theta or a factor that is tried
NEARLY = 1e-9


def fits(case: Case, found: Slots) -> Iterator[Prediction]:
    """Yield what the numbers that were measured in the result would give."""
    yield from amplitude(
        case, found, tuple(torch.ones_like(slot, dtype=torch.bool) for slot in found)
    )
    if case.convention.tables == "positions":
        yield from _frequencies(case, found)


def amplitude(case: Case, found: Slots, where: Slots) -> Iterator[Prediction]:
    """Yield the right result times the number that is measured where the masks say."""
    each = [
        (result[mask], exact[mask]) for result, exact, mask in zip(found[:2], case.truth, where)
    ]
    result, exact = (torch.cat(parts) for parts in zip(*each))
    factor = float((result * exact).nansum() / (exact * exact).sum()) if exact.numel() else 1.0
    if math.isfinite(factor) and abs(factor) > 1e-3:
        named = zip(case.truth, case.convention.slots)
        scaled = tuple(slot if name == "v" else slot * factor for slot, name in named)
        yield "scaled", f"returns the rotation times {factor:.4g}", scaled


def _frequencies(case: Case, found: Slots) -> Iterator[Prediction]:
    own, direction = _measured(case, found), case.convention.direction
    if own is None:
        return
    # ([B,] S, 1)
    positions = torch.tensor(case.positions, dtype=torch.float64, device="cpu")[..., None]

    def turned(frequencies: Tensor) -> Slots:
        angles = positions * frequencies * direction
        return with_turn(case, lambda _, x, __: rotate(x, angles))

    known = case.frequencies
    for theta in _thetas(own, case.rotary_dim):
        words = f"rotates with theta {theta:.6g} where {case.convention.theta:.6g} was asked for"
        yield "theta", words, turned(inverse_frequencies(case.rotary_dim, theta))
    for factor in _rounded(
        float((own / known)[own.abs() > NEARLY].median())
        if bool((own.abs() > NEARLY).any())
        else 1.0
    ):
        yield (
            "positions-scaled",
            f"turns every pair by {factor:.6g} times the angle",
            turned(known * factor),
        )
    pair = int(((own - known).abs() > 0.01 * known).to(torch.float64).argmax())
    turns, right = float(own[pair]), float(known[pair])
    words = f"rotates with other frequencies: pair {pair} by {turns:.4g} rad a position, not {right:.4g}"
    yield "frequencies", words, turned(own)


def _measured(case: Case, found: Slots) -> Tensor | None:
    """Return the frequency (P,) of each pair, each position making those before it more exact; None: no rotation."""
    turning = case.rotary_dim // 2
    x, y = case.pairs[0][..., :turning, :], found[0][..., :turning, :].nan_to_num()
    dot = (x * y).sum((2, 4))  # (B, S, P)
    cross = (x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]).sum(2)  # (B, S, P)
    seen = torch.atan2(cross, dot).flatten(0, 1) * case.convention.direction  # (B * S, P)
    asked = torch.tensor(case.positions, device="cpu").expand(case.batch, -1).flatten().tolist()
    rows = sorted((position, row) for row, position in enumerate(asked) if position > 0)
    if not rows:
        return None
    frequencies: Tensor = seen[rows[0][1]] / rows[0][0]
    for position, row in rows[1:]:
        gone = position * frequencies
        off = torch.remainder(seen[row] - gone + torch.pi, 2 * torch.pi) - torch.pi
        if bool(off.abs().max() > 0.5):  # it does not go on as it began
            return None
        frequencies = (gone + off) / position
    return frequencies


def _thetas(own: Tensor, rotary_dim: int) -> Iterator[float]:
    """Yield the theta that the best measured pair tells, with few digits and with more."""
    if len(own) < 2:
        return
    index = torch.arange(1, len(own), dtype=torch.float64, device="cpu")
    best = int((own[1:] * index).argmax())  # where an error of the frequency changes theta least
    if own[1 + best] <= 0:
        return
    yield from _rounded(float(own[1 + best].pow(-rotary_dim / (2 * (1 + best)))))


def _rounded(number: float) -> Iterator[float]:
    if not math.isfinite(number) or number == 0:
        return
    yield from dict.fromkeys(float(f"{number:.{digits}e}") for digits in range(DIGITS))
