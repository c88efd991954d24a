"""The angles of a rotary embedding, in float64;
by default on the CPU, where every device's results are judged."""

import torch
from torch import Tensor

Device = torch.device | str


def wrap(angle: Tensor) -> Tensor:
    """An angle as the same one in [-pi, pi)."""
    return torch.remainder(angle + torch.pi, 2 * torch.pi) - torch.pi


def inverse_frequencies(rotary_dim: int, theta: float = 10000.0, device: Device = "cpu") -> Tensor:
    """theta ** (-2i / rotary_dim) for i in 0 .. rotary_dim/2 - 1, in radians a position.

    Source: Su et al., RoFormer, arXiv 2104.09864, section 3.2.2.

    Args:
        rotary_dim: how many lanes rotate.
        theta: the base.
        device: where they are computed.

    Returns:
        (rotary_dim / 2,), float64.

    Raises:
        ValueError: rotary_dim is not positive and even.
    """
    if rotary_dim <= 0 or rotary_dim % 2:
        raise ValueError(
            f"rotary_dim is {rotary_dim}; it must be positive and even, since lanes rotate in pairs"
        )
    evens = torch.arange(0, rotary_dim, 2, dtype=torch.float64, device=device)
    return torch.pow(theta, -(evens / rotary_dim))  # (rotary_dim/2,)


def angles(
    positions: Tensor, rotary_dim: int, theta: float = 10000.0, device: Device = "cpu"
) -> Tensor:
    """Position times inverse frequency, in radians.

    Source: Su et al., RoFormer, arXiv 2104.09864, equation 15.

    Args:
        positions: integers, (...).
        rotary_dim: how many lanes rotate.
        theta: the base of the frequencies.
        device: where they are computed: nothing waits for one that the positions are on already.

    Returns:
        (..., rotary_dim / 2), float64.

    Raises:
        TypeError: the positions are not integers:
            one that a dtype has rounded is the fault we look for.
        ValueError: rotary_dim is not positive and even.

    Example:
        >>> angles(torch.tensor([0, 1, 2]), rotary_dim=4)
        tensor([[0.0000, 0.0000],
                [1.0000, 0.0100],
                [2.0000, 0.0200]], dtype=torch.float64)
    """
    if positions.is_floating_point() or positions.is_complex():
        raise TypeError(
            f"positions have dtype {positions.dtype}; give exact integers, such as torch.int64"
        )
    exact = positions.to(device=device, dtype=torch.float64)  # (...)
    return exact[..., None] * inverse_frequencies(rotary_dim, theta, device)  # (..., rotary_dim/2)
