"""Positions, and the axes in which a call is given them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def coordinates(axes: str) -> int:
    """How many coordinates positions with these axes have; 0: they are numbers, not points."""
    return next((int(axis) for axis in axes if axis in "23"), 0)


def coordinate(positions: "Tensor", axis: int) -> "Tensor":
    """A coordinate of the points that stand for positions: each axis has another."""
    return positions // (axis + 1)


def laid_positions(positions: "Tensor", axes: str, batch: int, *, points: bool = False) -> "Tensor":
    """Lay positions (S,) or (B, S) out with these axes.

    `points`: their coordinates differ, as `coordinate` says; else all are the same, as in text.
    """
    import torch

    count = coordinates(axes)
    if count:
        flat = laid_positions(positions, axes.replace(str(count), ""), batch)
        parts = [coordinate(flat, axis) if points else flat for axis in range(count)]
        return torch.stack(parts, axes.index(str(count)))
    if "b" in axes and positions.dim() == 1:
        return positions.expand(batch, -1)
    return positions[None] if "1" in axes else positions
