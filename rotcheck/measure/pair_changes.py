"""What becomes of pairs (..., P, 2), right and wrong, by cos and sin (..., P, 2):
each lane has its own."""

from collections.abc import Callable

import torch
from torch import Tensor

PairChange = Callable[[Tensor, Tensor, Tensor], Tensor]


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate them."""
    a, b = x.unbind(-1)  # (..., P) each
    return torch.stack((a * cos[..., 0] - b * sin[..., 0], b * cos[..., 1] + a * sin[..., 1]), -1)


def turn_twice(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate what was rotated."""
    return turn(turn(x, cos, sin), cos, sin)


def turn_back(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate, and rotate back."""
    return turn(turn(x, cos, sin), cos, -sin)


def swap_tables(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate with cos for sin and sin for cos."""
    return turn(x, sin, cos)


def drop_sin(x: Tensor, cos: Tensor, _: Tensor) -> Tensor:
    """Leave out the terms with sin."""
    return x * cos


def add_both(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Give both terms with sin the same sign."""
    return x * cos + x.flip(-1) * sin


def alias_first(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Make the second lane of each pair with the first one's new value."""
    a, b = turn(x, cos, sin)[..., 0], x[..., 1]
    return torch.stack((a, b * cos[..., 1] + a * sin[..., 1]), -1)


def alias_second(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Make the first lane of each pair with the second one's new value."""
    a, b = x[..., 0], turn(x, cos, sin)[..., 1]
    return torch.stack((a * cos[..., 0] - b * sin[..., 0], b), -1)
