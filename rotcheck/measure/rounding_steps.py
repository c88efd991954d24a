"""How far a result is from what it should be, in rounding steps, and where it is furthest."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.judge import ROUNDING

ROUNDING_LIMIT = ROUNDING
"""Units up to which a difference may be rounding; the bands of `judge` end here."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The worst difference between two sets of pairs."""

    error: float  # in units; of the finite elements
    not_finite: int  # NaN or infinite elements that should be finite
    where: dict[str, int]  # of q, k and v, batch, row, head and pair of the worst
    rounded_once: float  # share of elements of q and k that are the correctly rounded truth
    # of float64, if asked for: in float32's units
    error_float32: float | None = None

    @property
    def is_right(self) -> bool:
        """Whether all is finite, and no further off than rounding in the dtype explains."""
        return not self.not_finite and self.error <= ROUNDING_LIMIT

    @property
    def is_rounding(self) -> bool:
        """Whether it is right, or is float64 that is right in float32's units."""
        narrow = self.error_float32
        return self.is_right or (
            not self.not_finite and narrow is not None and narrow <= ROUNDING_LIMIT
        )

    def evidence(
        self, finding: str | None = None, message: str | None = None, **fields: Any
    ) -> Evidence:
        """These figures as evidence; `finding` and `message`: what is wrong, if anything is."""
        return Evidence(
            error=self.error,
            error_float32=self.error_float32,
            where=self.where,
            not_finite=self.not_finite,
            finding=finding,
            message=message,
            **fields,
        )


def unit(norms: Tensor, dtype: torch.dtype, slack: Tensor | float = 0.0) -> Tensor:
    """The rounding step at the size of each pair:
    eps(dtype) * norm, never below the smallest normal number.

    Rotation keeps a pair's norm and not its elements:
    neither an absolute nor a relative tolerance would do.

    Args:
        norms: of pairs, ([B,] S, H, P), float64.
        dtype: whose steps count.
        slack: radians ([B,] S, P) by which the phase itself may be off,
            since it was computed in float32.

    Returns:
        A step for each norm, float64.
    """
    if isinstance(slack, Tensor):
        slack = slack.unsqueeze(-2)  # ([B,] S, 1, P)
    facts = torch.finfo(dtype)
    return (norms * (facts.eps + slack)).clamp_min(facts.smallest_normal * math.sqrt(2))


def measure(
    results: Sequence[Tensor],
    truth: Sequence[Tensor],
    norms: Sequence[Tensor],
    dtype: torch.dtype,
    slack: Tensor | float = 0.0,
) -> Measurement:
    """Compare the pairs of slots with those that are right, each (B, S, H, P, 2) in float64.

    `norms` (B, S, H, P): of the pairs that went in. `dtype` and `slack`: as `unit` takes them.
    """
    by_slot = [_of_slot(*slot, dtype, slack) for slot in zip(results, truth, norms)]
    worst = max(range(len(by_slot)), key=lambda slot: (by_slot[slot][1], by_slot[slot][0]))
    # V is not rotated and says nothing
    is_rounded_truth = torch.cat([right.flatten() for *_, right in by_slot[:2]])
    return Measurement(
        error=max(error for error, *_ in by_slot),
        not_finite=sum(not_finite for _, not_finite, *_ in by_slot),
        where=({"qkv": worst} if len(by_slot) > 1 else {}) | by_slot[worst][2],
        rounded_once=float(is_rounded_truth.double().mean()) if is_rounded_truth.numel() else 1.0,
    )


def _of_slot(
    result: Tensor, truth: Tensor, norms: Tensor, dtype: torch.dtype, slack: Tensor | float
) -> tuple[float, int, dict[str, int], Tensor]:
    if not result.numel():
        return 0.0, 0, {}, torch.ones(0, dtype=torch.bool)
    step = unit(norms, dtype, slack)[..., None]  # (B, S, H, P, 1)
    units = (result - truth).abs() / step  # (B, S, H, P, 2)
    right = result == truth.to(dtype).double()
    worst, not_finite = units, 0
    if not math.isfinite(units.max()):  # which most are: that is seen at once
        finite = torch.isfinite(result)  # (B, S, H, P, 2)
        lost = ~finite & torch.isfinite(truth)
        not_finite = int(lost.sum())
        units = torch.where(finite, units, 0.0)
        worst = lost.to(torch.float64) if not_finite else units
    place = _place(int(worst.flatten().argmax()), tuple(result.shape))
    return float(units.max()), not_finite, place, right


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far the pairs of slots may be off by rounding: asked of many guesses,
    each of which is right or not."""

    most: Sequence[Tensor]  # of each slot (B, S, H, P, 1), float64

    @classmethod
    def of(
        cls, norms: Sequence[Tensor], dtype: torch.dtype, slack: Tensor | float = 0.0
    ) -> "Tolerance":
        """That of pairs whose norms are (B, S, H, P); `dtype` and `slack`: as `unit` takes them."""
        return cls([ROUNDING_LIMIT * unit(slot, dtype, slack)[..., None] for slot in norms])

    def holds(self, results: Sequence[Tensor], truth: Sequence[Tensor]) -> bool:
        """Whether `measure` would find all finite that should be, and off by rounding alone."""
        return all(_is_within(*slot) for slot in zip(results, truth, self.most))


def _is_within(result: Tensor, truth: Tensor, most: Tensor) -> bool:
    within = (result - truth).abs() <= most  # (B, S, H, P, 2)
    if within.all():
        return True
    neither = ~torch.isfinite(result) & ~torch.isfinite(truth)  # (B, S, H, P, 2)
    return bool((within | neither).all())


def worst_of(measurements: Sequence[Measurement]) -> int:
    """The index of the worst measurement: the one with the most NaN,
    then with the largest error."""
    keys = [(measurement.not_finite, measurement.error) for measurement in measurements]
    return max(range(len(keys)), key=keys.__getitem__)


def norms(slots: Sequence[Tensor]) -> Slots:
    """The norms (...) of the pairs (..., 2) of each slot."""
    return tuple(torch.hypot(*slot.unbind(-1)) for slot in slots)


def against(
    case: Case,
    results: Sequence[Tensor],
    truth: Slots,
    dtype: torch.dtype | None = None,
    *,
    or_float32: bool = False,
) -> Measurement:
    """Measure results of the case's own inputs against expected pairs."""
    pairs = case.read(results)
    return measure_pairs(case, pairs, truth, case.norms, dtype, or_float32=or_float32)


def measure_pairs(
    case: Case,
    pairs: Slots,
    truth: Slots,
    norms: Slots,
    dtype: torch.dtype | None = None,
    *,
    or_float32: bool = False,
) -> Measurement:
    """Measure pairs of a case against those that are right; `norms`: of the pairs that went in.

    `or_float32`: of float64 that is wrong, measure the error in float32's units too.
    """
    measurement = measure(pairs, truth, norms, dtype or case.dtype, case.slack)
    where = _with_position(case, measurement.where)
    if not or_float32 or case.dtype != torch.float64 or measurement.is_right:
        return replace(measurement, where=where)
    narrow = measure(pairs, truth, norms, torch.float32, case.slack)
    return replace(measurement, where=where, error_float32=narrow.error)


def _with_position(case: Case, where: dict[str, int]) -> dict[str, int]:
    """A place, with the position of its row added."""
    if "row" not in where:
        return where
    rows = case.position_rows.expand(case.batch, -1)  # (B, S)
    return where | {"position": int(rows[where["batch"], where["row"]])}


def indices(flat: int, shape: Sequence[int]) -> list[int]:
    """The index along each axis of an element, by its place in the flat tensor."""
    found: list[int] = []
    # torch.unravel_index would import sympy, which takes longer than all checks
    for size in reversed(shape):
        flat, at = divmod(flat, size)
        found.insert(0, at)
    return found


def _place(flat: int, shape: tuple[int, ...]) -> dict[str, int]:
    """A flat index of (B, S, H, P, 2) as batch row, row, head and pair."""
    index = indices(flat, shape)
    return {"batch": index[0], "row": index[1], "head": index[2], "pair": index[3]}
