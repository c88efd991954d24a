"""Positions that are points of an image or a film: which pairs turn with which coordinate?"""

import torch

from rotcheck.identify.engine import Found
from rotcheck.identify.remarks import remark
from rotcheck.identify.response import SAME
from rotcheck.results import Remark, Told
from rotcheck.rotary.conventions import coordinates, pairs


def of_points(found: Found) -> tuple[list[Told], list[Remark]]:
    """Return which pairs each coordinate turns, and what is wrong with that."""
    count = coordinates(found.convention.position_axes)
    if not count or not found.exact:
        return [], []
    by_head = [_turned(found, each) for each in range(count)]  # (H, P) bool each
    seen = f"positions of {count} coordinates, of which all but one are 0"
    if any(bool((turns != turns[0]).any()) for turns in by_head):
        says = f"points of {count} coordinates: some heads turn with one, some with another"
        return [Told(field="positions", says=says, because=seen)], []
    turned = [turns[0] for turns in by_head]  # (P,) each
    idle = [f"coordinate {each}" for each, turns in enumerate(turned) if not bool(turns.any())]
    if idle:
        words = f"turns no pair with {' and '.join(idle)} of {count}"
        return [], [remark("coordinates", words, seen)]
    if bool((torch.stack(turned).int().sum(0) > 1).any()):
        return [], [remark("coordinates", "turns the same pairs with several coordinates", seen)]
    shown = ", ".join(f"{_span(turns)} with coordinate {each}" for each, turns in enumerate(turned))
    return [Told(field="positions", says=f"points of {count} coordinates: pairs {shown}", because=seen)], []


def _turned(found: Found, coordinate: int) -> torch.Tensor:
    """Return which pairs (H, P) of each head turn when only this coordinate is not 0."""
    convention = found.convention
    result = found.trier.but(coordinate=coordinate).ones(convention)[0]  # (S, H, D)
    moved = (result - 1).abs().amax(0) > SAME / 10  # (H, D)
    lanes = moved[:, : convention.rotary_dim or moved.shape[-1]]
    return pairs(lanes, convention.written, convention.blocks).any(-1)


def _span(turns: torch.Tensor) -> str:
    """Return which pairs are True, in words."""
    at = turns.nonzero().flatten().tolist()
    if at == list(range(at[0], at[-1] + 1)):
        return f"{at[0]} to {at[-1]}"
    return ", ".join(map(str, at[:4])) + (", ..." if len(at) > 4 else "")
