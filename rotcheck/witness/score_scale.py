"""What the products of q and k were multiplied with before the softmax, measured."""

import math

import torch
from torch import Tensor

from rotcheck.witness.tensor_values import is_wide

ROWS = 16  # of the queries, the last ones: they see the most keys
EXACT = 1e-3  # relative: what the scores may be off
HIDDEN_BELOW = 1e3  # the largest score of a row


def score_scale(scores: Tensor, q: Tensor, k: Tensor) -> float | None:
    """The factor of the scores; None: they are not products times one factor.

    What is added to a whole row, and a column of sinks at its end, leaves the weights' meaning as
    it is. A bias or a cap of the scores does not.

    Args:
        scores: (..., S, T), or (..., S, T + 1) with a sink.
        q: (..., S, D).
        k: (..., T, D).
    """
    tensors = scores, q, k
    if not all(map(is_wide, tensors)) or q.shape[-1] != k.shape[-1]:
        return None
    x, y, z = (a.detach()[(0,) * (a.dim() - 2)].cpu().double() for a in tensors)  # first head
    if x.shape[0] != y.shape[0] or x.shape[1] not in (len(z), len(z) + 1):
        return None
    x, products = x[-ROWS:, : len(z)], y[-ROWS:] @ z.mT  # (R, T) each
    mask = x > x.max(-1, keepdim=True).values - HIDDEN_BELOW  # (R, T)
    x, products = _around_mean(x, mask), _around_mean(products, mask)
    size = float(products.square().sum())
    if not size or not math.isfinite(size):
        return None
    factor = float((x * products).sum()) / size
    off = float((x - factor * products).abs().max())
    return factor if off <= EXACT * float(x.abs().max()) else None


def _around_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Rows (R, T) less their means over what the mask lets through; 0 elsewhere."""
    x = torch.where(mask, x, 0.0)
    return torch.where(mask, x - x.sum(-1, keepdim=True) / mask.sum(-1, keepdim=True), 0.0)
