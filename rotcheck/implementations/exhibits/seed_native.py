"""The native half of the fix that rotcheck started from, as it was written;
see docs/the-fix-on-trial.md."""

import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function

convention = Convention(pairing="half", layout="qkv", tables="packed")


def load(device: str) -> Function:
    """The function."""
    return _apply_rotary_pos_emb_native


def _rotate_half(x: Tensor) -> Tensor:
    x1, x2 = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return torch.cat((-x2, x1), dim=-1)


def _apply_rotary_pos_emb_native(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return (qkv * cos) + (_rotate_half(qkv) * sin)
