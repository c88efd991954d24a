"""GPT-J's form in plain PyTorch operations: lanes 2i and 2i + 1 rotate together."""

import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function

convention = Convention(pairing="interleaved", layout="bshd", tables="repeated")


def load(device: str) -> Function:
    """The function; it runs wherever torch does."""
    return apply


def rotate_every_two(x: Tensor) -> Tensor:
    """Return (-x[1], x[0], -x[3], x[2], ...) along the last axis of x (..., D)."""
    even, odd = x[..., ::2], x[..., 1::2]  # (..., D/2) each
    return torch.stack((-odd, even), -1).flatten(-2)  # (..., D)


def apply(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate x (B, S, H, D) with tables (S, 1, D), each pair's value at both of its lanes."""
    return x * cos + rotate_every_two(x) * sin  # (B, S, H, D)
