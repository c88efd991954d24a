"""rotate_half in plain PyTorch operations, on packed qkv:
what nearly every model carries a copy of."""

import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function

convention = Convention(pairing="half", layout="qkv", tables="packed")


def load(device: str) -> Function:
    """The function; it runs wherever torch does."""
    return apply


def rotate_half(x: Tensor) -> Tensor:
    """Return (-x2, x1) for lanes (x1, x2), each half of the last axis of x (..., D)."""
    x1, x2 = x.chunk(2, -1)  # (..., D/2) each
    return torch.cat((-x2, x1), -1)  # (..., D)


def apply(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate qkv (B, S, 3, H, D) with tables (1, S, 3, 1, D) whose V slot is 1 and 0."""
    return qkv * cos + rotate_half(qkv) * sin  # (B, S, 3, H, D)
