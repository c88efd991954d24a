"""What a mistake would make of the pairs of a case, in float64."""

from collections.abc import Callable

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.rotary import rotate

Prediction = tuple[str, str, Slots]
"""The finding's code, what happened in words, and the pairs that this mistake would give."""

Turn = Callable[[Case, Tensor, Tensor], Tensor]
"""What becomes of the pairs (B, S, H, P, 2) of q or k, at angles (S, P) or (B, S, P)."""


def with_turn(case: Case, wrong: Turn) -> Slots:
    """Apply a mistaken rotation to the lanes of q and k that rotate, and leave the others and v alone."""
    turning = case.rotary_dim // 2

    def turn(slot: Tensor) -> Tensor:
        wrongly = wrong(case, slot[..., :turning, :], case.angles[..., :turning])
        return torch.cat((wrongly, slot[..., turning:, :]), -2)

    return of_q_and_k(case, turn)


def with_angles(case: Case, angles: Tensor) -> Slots:
    """Turn the lanes of q and k that rotate by other angles, ([B,] S, rotary_dim / 2) with their sign."""
    return with_turn(case, lambda _, x, __: rotate(x, angles))


def rotate_apart(x: Tensor, angles: Tensor) -> Tensor:
    """Rotate pairs (B, S, H, P, 2), each lane of a pair by an angle of its own, ([B,] S, P, 2)."""
    cos, sin = angles.cos().unsqueeze(-3), angles.sin().unsqueeze(-3)
    a, b = x.unbind(-1)  # (B, S, H, P) each
    return torch.stack((a * cos[..., 0] - b * sin[..., 0], b * cos[..., 1] + a * sin[..., 1]), -1)


def of_q_and_k(case: Case, turn: Callable[[Tensor], Tensor]) -> Slots:
    """Apply a function to all pairs of q and of k, and leave v alone."""
    named_slots = zip(case.pairs, case.convention.slots)
    return tuple(slot if name == "v" else turn(slot) for slot, name in named_slots)
