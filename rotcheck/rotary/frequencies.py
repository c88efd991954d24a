"""The angles of a rotary embedding, in float64; by default on the CPU, where every device's results are judged."""

import torch
from torch import Tensor

Device = torch.device | str


def inverse_frequencies(rotary_dim: int, theta: float = 10000.0, device: Device = "cpu") -> Tensor:
    """theta ** (-2i / rotary_dim) for i in 0 .. rotary_dim/2 - 1, in radians a position.

    Shape (rotary_dim / 2,), float64. Source: Su et al., RoFormer, arXiv 2104.09864, section 3.2.2.
    Raises ValueError when rotary_dim is not positive and even.
    """
    if rotary_dim <= 0 or rotary_dim % 2:
        raise ValueError(
            f"rotary_dim is {rotary_dim}; it must be positive and even, since lanes rotate in pairs"
        )
    exponents = (
        torch.arange(0, rotary_dim, 2, dtype=torch.float64, device=device) / rotary_dim
    )  # (rotary_dim/2,)
    return torch.pow(theta, -exponents)  # (rotary_dim/2,)


def angles(
    positions: Tensor, rotary_dim: int, theta: float = 10000.0, device: Device = "cpu"
) -> Tensor:
    """Position times inverse frequency, in radians.

    `positions`: integers, shape (...). Returns shape (..., rotary_dim / 2), float64, computed on `device`: nothing
    waits for one that the positions are on already. Raises TypeError for positions that are not integers: a position
    that a dtype has rounded is the fault we look for.
    """
    if positions.is_floating_point() or positions.is_complex():
        raise TypeError(
            f"positions have dtype {positions.dtype}; give exact integers, such as torch.int64"
        )
    exact = positions.to(device=device, dtype=torch.float64)  # (...)
    return exact[..., None] * inverse_frequencies(rotary_dim, theta, device)  # (..., rotary_dim/2)
