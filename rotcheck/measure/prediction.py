"""What a mistake would make of the pairs of a case, in float64."""

from collections.abc import Callable

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.pair_changes import PairChange
from rotcheck.rotary import rotate

Prediction = tuple[str, str, Slots]
"""The finding's code, what happened in words, and the pairs that this mistake would give."""

Turn = Callable[[Tensor, Tensor], Tensor]
"""What becomes of the pairs (B, S, H, P, 2) of q or k, at angles (S, P) or (B, S, P)."""


def with_turn(case: Case, wrong: Turn) -> Slots:
    """Apply a mistaken rotation to the lanes of q and k that rotate,
    and leave the others and v alone."""
    turning = case.rotary_dim // 2

    def wrongly(slot: Tensor) -> Tensor:
        rotating = wrong(slot[..., :turning, :], case.angles[..., :turning])
        return torch.cat((rotating, slot[..., turning:, :]), -2)

    return of_q_and_k(case, wrongly)


def with_angles(case: Case, angles: Tensor) -> Slots:
    """Turn the lanes of q and k that rotate by other angles,
    ([B,] S, rotary_dim / 2) with their sign."""
    return with_turn(case, lambda x, _: rotate(x, angles))


def by_lanes(change: PairChange, x: Tensor, angles: Tensor) -> Tensor:
    """Change pairs (B, S, H, P, 2) by angles ([B,] S, P, 2): each lane of a pair has its own."""
    return change(x, angles.cos().unsqueeze(-3), angles.sin().unsqueeze(-3))


def by_pairs(change: PairChange, x: Tensor, angles: Tensor) -> Tensor:
    """Change pairs (B, S, H, P, 2) by angles ([B,] S, P)."""
    return by_lanes(change, x, torch.stack((angles, angles), -1))


def of_q_and_k(case: Case, change: Callable[[Tensor], Tensor]) -> Slots:
    """Apply a function to all pairs of q and of k, and leave v alone."""
    named_slots = zip(case.pairs, case.convention.slots)
    return tuple(slot if name == "v" else change(slot) for slot, name in named_slots)
