"""How far a result is from what it should be, in rounding steps, and where it is furthest."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.measure.case import POSITIONS, Case, unit
from rotcheck.measure.judge import ROUNDING

SAME = ROUNDING
"""Units up to which a difference may be rounding; the judge's bands end here."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The worst difference between two sets of pairs."""

    error: float  # in units; of the finite elements
    not_finite: int  # elements that are NaN or infinite and should not be
    where: dict[str, int]
    rounded_once: float  # share of elements that are the correctly rounded truth


def measure(found: Tensor, expected: Tensor, norms: Tensor, dtype: torch.dtype) -> Measured:
    """Compare pairs found with pairs expected, both (B, S, ..., H, P, 2) in float64.

    `norms` (B, S, ..., H, P) are the norms of the pairs that went in; `dtype` gives the unit.
    """
    broken = ~torch.isfinite(found) & torch.isfinite(expected)
    off = torch.where(torch.isfinite(found), (found - expected).abs(), 0.0)  # (B, S, ..., H, P, 2)
    units = off / unit(norms, dtype)[..., None]  # (B, S, ..., H, P, 2)
    worst = int((broken if broken.any() else units).flatten().to(torch.float64).argmax())
    right = found == expected.to(dtype).double()
    rotated = right[:, :, :2] if right.dim() == 6 else right  # V is not rotated: it tells nothing
    share = float(rotated.double().mean())
    return Measured(float(units.max()), int(broken.sum()), _place(worst, tuple(found.shape)), share)


def worst_of(measured: Sequence[Measured]) -> int:
    """Return which of several measurements is the worst: the one with the most NaN, then the largest error."""
    return max(range(len(measured)), key=lambda at: (measured[at].not_finite, measured[at].error))


def is_rounding(error: float, error_float32: float | None) -> bool:
    """Return whether rounding explains an error, in the dtype or, of float64, in float32 inside."""
    return error <= SAME or (error_float32 is not None and error_float32 <= SAME)


def norms(pairs: Tensor) -> Tensor:
    """Return the norms (...) of pairs (..., 2)."""
    return torch.hypot(*pairs.unbind(-1))


def against(case: Case, result: Tensor, expected: Tensor, dtype: torch.dtype | None = None) -> Measured:
    """Measure a result of the case's own input against expected pairs."""
    return measure(case.read(result), expected, norms(case.pairs), dtype or case.dtype)


def _place(flat: int, shape: tuple[int, ...]) -> dict[str, int]:
    """Return where in (B, S, [3,] H, P, 2) a flat index lies."""
    index: list[int] = []
    for size in reversed(shape):  # torch.unravel_index would import sympy, which takes longer than all checks
        flat, at = divmod(flat, size)
        index.insert(0, at)
    place = {"batch": index[0], "row": index[1], "position": POSITIONS[index[1]]}
    if len(shape) == 6:
        place["qkv"] = index[2]
    return place | {"head": index[-3], "pair": index[-2]}
