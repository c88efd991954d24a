"""A formula that is nearly right: which terms the lanes of a pair are made of, measured in the result."""

from collections.abc import Iterator

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.extent import Extent, conjugated, listed
from rotcheck.measure.mistakes import Prediction

# x is the lane itself, y the other one of its pair
TERMS = ("x cos", "x sin", "y cos", "y sin", "x", "y")
RIGHT = ("x cos - y sin", "x cos + y sin")  # of the first and the second lane of a pair
LEGEND = " (x: the lane itself, y: its partner)"
LEAST = 16  # elements from which they are measured


def formulas(case: Case, found: Slots, extent: Extent) -> Iterator[Prediction]:
    """Yield what the terms that were measured in the result would give: of products with cos and sin, then of all."""
    for terms in (4, len(TERMS)):
        yield from _formulas(case, found, extent, terms)


def _formulas(case: Case, found: Slots, extent: Extent, terms: int) -> Iterator[Prediction]:
    turning = case.rotary_dim // 2
    predicted = [slot.clone() for slot in case.truth]
    words: list[str] = []
    for which in (0, 1):
        off = [mask[..., :turning, which] for mask in extent.masks]
        features = [
            _features(case, slot, which, turning)[..., :terms] for slot in range(len(found))
        ]
        coefficients = _fitted(features, [slot[..., :turning, which] for slot in found], off)
        if coefficients is None:
            continue
        words.append(_said(listed("lane", extent.lanes(which)), coefficients, RIGHT[which]))
        for slot, feature in zip(predicted, features):
            slot[..., :turning, which] = feature @ coefficients
    other = any(" where " in each for each in words)  # and not zeros or unrotated lanes alone
    code = "formula" if other else "partly"
    if words:
        yield code, f"{', '.join(words)}{LEGEND if other else ''}", tuple(predicted)


def _features(case: Case, slot: int, which: int, turning: int) -> Tensor:
    """Return the terms (B, S, H, P, 6) that one lane of each pair may be made of."""
    x, y = (case.pairs[slot][..., :turning, at] for at in (which, 1 - which))  # (B, S, H, P) each
    angles = case.angles[..., :turning]
    cos, sin = angles.cos().unsqueeze(-2), angles.sin().unsqueeze(-2)  # ([B,] S, 1, P) each
    return torch.stack((x * cos, x * sin, y * cos, y * sin, x, y), -1)


def _fitted(features: list[Tensor], target: list[Tensor], off: list[Tensor]) -> Tensor | None:
    """Return how often each term is in what is off, as few digits as do: None where that is too little."""
    rows = torch.cat([feature[mask] for feature, mask in zip(features, off)])  # (N, 6)
    values = torch.cat([each[mask] for each, mask in zip(target, off)])  # (N,)
    if len(rows) < LEAST:
        return None
    square = rows.T @ rows + 1e-9 * torch.eye(rows.shape[-1], dtype=rows.dtype)
    exact = torch.linalg.solve(square, rows.T @ values)
    return torch.where(
        (exact - exact.round()).abs() < 0.02, exact.round(), (exact * 1000).round() / 1000
    )


def _said(lanes: str, coefficients: Tensor, right: str) -> str:
    """Return what these lanes hold, in words."""
    words = ""
    for term, times in zip(TERMS, coefficients.tolist()):
        if times:
            sign = ("-" if times < 0 else "") if not words else " - " if times < 0 else " + "
            words += f"{sign}{'' if abs(times) == 1 else f'{abs(times):g} '}{term}"
    if words == "x":
        return f"{lanes} {conjugated(lanes, 'come')} back unrotated"
    belongs = f" where {right} belongs" if words else ""
    return f"{lanes} {conjugated(lanes, 'hold')} {words or 'zeros'}{belongs}"
