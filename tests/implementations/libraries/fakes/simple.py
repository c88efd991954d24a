"""A rotation of half pairs that owes rotcheck nothing,
for packages of these names that need a GPU."""

import torch
from torch import Tensor


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Rotate the lanes (..., D) of x by angles (..., D/2)."""
    first, second = x.double().chunk(2, -1)
    cos, sin = angles.double().cos(), angles.double().sin()
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1).to(x.dtype)


def angles_of(positions: Tensor, width: int, theta: float) -> Tensor:
    """Return the angles (T, 1, D/2) of positions (T)."""
    return positions.double()[:, None, None] * theta ** (
        -torch.arange(0, width, 2, dtype=torch.float64) / width
    )


def by_table(positions: Tensor, x: Tensor, width: int, table: Tensor) -> Tensor:
    """Rotate x (T, H*D) with the rows of a table (P, D) that holds cos and then sin,
    as these kernels do."""
    cos, sin = table[positions].double().chunk(2, -1)  # (T, D/2) each
    heads = x.double().unflatten(-1, (-1, width))  # (T, H, D)
    first, second = heads.chunk(2, -1)
    cos, sin = cos[:, None], sin[:, None]
    return (
        torch.cat((first * cos - second * sin, second * cos + first * sin), -1)
        .flatten(-2)
        .to(x.dtype)
    )
