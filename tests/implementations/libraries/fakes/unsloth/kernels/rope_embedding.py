"""The public call of unsloth 2026.10.9."""

import torch
from torch import Tensor


def fast_rope_embedding(
    Q: Tensor,
    K: Tensor,
    cos: Tensor,
    sin: Tensor,
    rope_embedding_indices: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return Q and K (B, H, S, D), rotated by the left half of the first rows
    of cos and sin (P, D)."""
    return tuple(_rotated(x, cos, sin) for x in (Q, K))


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    length, half = x.shape[2], x.shape[3] // 2
    cos, sin = cos[:length, :half], sin[:length, :half]
    first, second = x[..., :half], x[..., half:]
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)
