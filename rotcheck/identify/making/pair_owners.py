"""Which pairs of a table turn with which coordinate of a point, or side of an image."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rotcheck.rotary.frequencies import wrap


def owners_of(moves: Tensor) -> tuple[int, ...] | None:
    """The coordinate that each pair turns with, -1: none;
    None: some pair turns with several, or one turns none.

    `moves`: whether each pair turns with each coordinate (C, P).
    """
    if bool((moves.sum(0) > 1).any()) or not bool(moves.any(1).all()):
        return None
    return tuple(torch.where(moves.any(0), moves.int().argmax(0), -1).tolist())


def moves_along(angles: Tensor, sides: Sequence[int], error: float) -> Tensor:
    """Whether each pair turns with each side (sides, P),
    of angles (product of sides, P) of squares in a row.

    `error`: radians up to which angles are the same.
    """
    grid = angles.reshape(*sides, -1)  # (*sides, P)
    off = (wrap(grid - grid.narrow(side, 0, 1)).abs() for side in range(len(sides)))
    return ~torch.stack([part.flatten(0, -2).amax(0) < error for part in off])
