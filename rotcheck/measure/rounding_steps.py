"""How far a result is from what it should be, in rounding steps, and where it is furthest."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots, unit
from rotcheck.measure.judge import ROUNDING

SAME = ROUNDING
"""Units up to which a difference may be rounding; the judge's bands end here."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The worst difference between two sets of pairs."""

    error: float  # in units; of the finite elements
    not_finite: int  # elements that are NaN or infinite and should not be
    where: dict[str, int]  # of q, k and v, batch, row, head and pair of the worst
    rounded_once: float  # share of elements of q and k that are the correctly rounded truth


def measure(
    found: Sequence[Tensor],
    expected: Sequence[Tensor],
    norms: Sequence[Tensor],
    dtype: torch.dtype,
    slack: Tensor | float = 0.0,
) -> Measured:
    """Compare the pairs of slots found with those expected, each (B, S, H, P, 2) in float64.

    `norms` (B, S, H, P) are the norms of the pairs that went in; `dtype` gives the unit, `slack` (S, P) the phase
    that may be off.
    """
    each = [_of_slot(*slot, dtype, slack) for slot in zip(found, expected, norms)]
    worst = max(range(len(each)), key=lambda slot: (each[slot][1], each[slot][0]))
    # V is not rotated: it tells nothing
    rotated = torch.cat([right.flatten() for *_, right in each[:2]])
    return Measured(
        error=max(error for error, *_ in each),
        not_finite=sum(broken for _, broken, *_ in each),
        where=({"qkv": worst} if len(each) > 1 else {}) | each[worst][2],
        rounded_once=float(rotated.double().mean()) if rotated.numel() else 1.0,
    )


def _of_slot(
    found: Tensor, expected: Tensor, norms: Tensor, dtype: torch.dtype, slack: Tensor | float
) -> tuple[float, int, dict[str, int], Tensor]:
    if not found.numel():
        return 0.0, 0, {}, torch.ones(0, dtype=torch.bool)
    finite = torch.isfinite(found)  # (B, S, H, P, 2)
    broken = ~finite & torch.isfinite(expected)
    off = torch.where(finite, (found - expected).abs(), 0.0)  # (B, S, H, P, 2)
    if isinstance(slack, Tensor):
        slack = slack.unsqueeze(-2)  # (..., S, 1, P)
    units = off / unit(norms, dtype, slack)[..., None]  # (B, S, H, P, 2)
    worst = int((broken if broken.any() else units).flatten().to(torch.float64).argmax())
    right = found == expected.to(dtype).double()
    return float(units.max()), int(broken.sum()), _place(worst, tuple(found.shape)), right


def worst_of(measured: Sequence[Measured]) -> int:
    """Return which of several measurements is the worst: the one with the most NaN, then the largest error."""
    return max(range(len(measured)), key=lambda at: (measured[at].not_finite, measured[at].error))


def is_rounding(error: float, error_float32: float | None) -> bool:
    """Return whether rounding explains an error, in the dtype or, of float64, in float32 inside."""
    return error <= SAME or (error_float32 is not None and error_float32 <= SAME)


def norms(slots: Sequence[Tensor]) -> Slots:
    """Return the norms (...) of the pairs (..., 2) of each slot."""
    return tuple(torch.hypot(*slot.unbind(-1)) for slot in slots)


def against(
    case: Case, results: Sequence[Tensor], expected: Slots, dtype: torch.dtype | None = None
) -> Measured:
    """Measure results of the case's own inputs against expected pairs."""
    found = measure(case.read(results), expected, case.norms, dtype or case.dtype, case.slack)
    return Measured(found.error, found.not_finite, named(case, found.where), found.rounded_once)


def named(case: Case, where: dict[str, int]) -> dict[str, int]:
    """Return a place with the position of its row."""
    if "row" not in where:
        return where
    at = case.positions[where["row"]] if isinstance(case.positions[0], int) else None
    if at is None:  # batch rows have positions of their own
        at = case.positions[where["batch"]][where["row"]]  # type: ignore[index]
    return where | {"position": int(at)}


def _place(flat: int, shape: tuple[int, ...]) -> dict[str, int]:
    """Return where in (B, S, H, P, 2) a flat index lies."""
    index: list[int] = []
    # torch.unravel_index would import sympy, which takes longer than all checks
    for size in reversed(shape):
        flat, at = divmod(flat, size)
        index.insert(0, at)
    return {"batch": index[0], "row": index[1], "head": index[2], "pair": index[3]}
