"""The truth that every implementation is judged against."""

import torch
from torch import Tensor


def rotate(pairs: Tensor, angles: Tensor) -> Tensor:
    """Rotate each pair (a, b) by its angle: (a cos - b sin, b cos + a sin).

    Source: Su et al., RoFormer, arXiv 2104.09864, equation 15.

    Args:
        pairs: (B, S, H, P, 2), float64.
        angles: (S, P) or, for each batch row its own, (B, S, P), in radians, float64.

    Returns:
        The shape of `pairs`, float64.

    Raises:
        TypeError: another dtype, since a truth in lower precision is none.

    Example:
        >>> pair = torch.ones(1, 1, 1, 1, 2, dtype=torch.float64)
        >>> rotate(pair, torch.tensor([[torch.pi / 2]], dtype=torch.float64)).flatten()
        tensor([-1.0000,  1.0000], dtype=torch.float64)
    """
    if pairs.dtype != torch.float64 or angles.dtype != torch.float64:
        raise TypeError(
            f"the reference computes in float64; pairs are {pairs.dtype}, angles {angles.dtype}"
        )
    cos, sin = angles.cos().unsqueeze(-2), angles.sin().unsqueeze(-2)  # ([B,] S, 1, P) each
    a, b = pairs.unbind(-1)  # (B, S, H, P) each
    return torch.stack((a * cos - b * sin, b * cos + a * sin), -1)  # (B, S, H, P, 2)
