"""A formula that is nearly right: the terms of each lane of a pair, fitted to the result."""

from collections.abc import Iterator

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.error_extent import Extent, conjugate, index_list
from rotcheck.measure.prediction import Prediction

# x is the lane itself, y the other one of its pair
TERMS = ("x cos", "x sin", "y cos", "y sin", "x", "y")
RIGHT_TERMS = ("x cos - y sin", "x cos + y sin")  # of the first and the second lane of a pair
LEGEND = " (x: the lane itself, y: its partner)"
LEAST = 16  # elements that a fit needs


def formulas(case: Case, result: Slots, extent: Extent) -> Iterator[Prediction]:
    """What fitted terms would give: products with cos and sin first, then all terms."""
    for terms in (4, len(TERMS)):
        yield from _formulas(case, result, extent, terms)


def _formulas(case: Case, result: Slots, extent: Extent, terms: int) -> Iterator[Prediction]:
    turning = case.rotary_dim // 2
    prediction = [slot.clone() for slot in case.truth]
    words: list[str] = []
    for lane_of_pair in (0, 1):
        off = [mask[..., :turning, lane_of_pair] for mask in extent.masks]
        slots = range(len(result))
        features = [_features(case, slot, lane_of_pair, turning)[..., :terms] for slot in slots]
        coefficients = _fit(features, [slot[..., :turning, lane_of_pair] for slot in result], off)
        if coefficients is None:
            continue
        words.append(
            _words(
                index_list("lane", extent.lanes(lane_of_pair)),
                coefficients,
                RIGHT_TERMS[lane_of_pair],
            )
        )
        for slot, feature in zip(prediction, features):
            slot[..., :turning, lane_of_pair] = feature @ coefficients
    is_formula = any(" where " in text for text in words)  # and not zeros or unrotated lanes alone
    code = "formula" if is_formula else "partly"
    if words:
        yield code, f"{', '.join(words)}{LEGEND if is_formula else ''}", tuple(prediction)


def _features(case: Case, slot: int, lane_of_pair: int, turning: int) -> Tensor:
    """The terms (B, S, H, P, 6) that one lane of each pair may be made of."""
    # (B, S, H, P) each
    x, y = (case.pairs[slot][..., :turning, at] for at in (lane_of_pair, 1 - lane_of_pair))
    angles = case.angles[..., :turning]
    cos, sin = angles.cos().unsqueeze(-2), angles.sin().unsqueeze(-2)  # ([B,] S, 1, P) each
    return torch.stack((x * cos, x * sin, y * cos, y * sin, x, y), -1)


def _fit(features: list[Tensor], target: list[Tensor], off: list[Tensor]) -> Tensor | None:
    """The coefficient of each term in what is off, rounded; None if too few elements are off."""
    rows = torch.cat([feature[mask] for feature, mask in zip(features, off)])  # (N, 6)
    values = torch.cat([values_of_slot[mask] for values_of_slot, mask in zip(target, off)])  # (N,)
    if len(rows) < LEAST:
        return None
    square = rows.T @ rows + 1e-9 * torch.eye(rows.shape[-1], dtype=rows.dtype)
    exact = torch.linalg.solve(square, rows.T @ values)
    whole = exact.round()
    return torch.where((exact - whole).abs() < 0.02, whole, (exact * 1000).round() / 1000)


def _words(lanes: str, coefficients: Tensor, right: str) -> str:
    """The terms of these lanes, in words."""
    words = ""
    for term, times in zip(TERMS, coefficients.tolist()):
        if times:
            sign = ("-" if times < 0 else "") if not words else " - " if times < 0 else " + "
            words += f"{sign}{'' if abs(times) == 1 else f'{abs(times):g} '}{term}"
    if words == "x":
        return f"{lanes} {conjugate(lanes, 'come')} back unrotated"
    belongs = f" where {right} belongs" if words else ""
    return f"{lanes} {conjugate(lanes, 'hold')} {words or 'zeros'}{belongs}"
