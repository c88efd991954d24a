import torch

_FREQUENCIES = {}


def rope(x: torch.Tensor, positions: torch.Tensor, theta: float = 10000.0) -> torch.Tensor:
    """Rotate x (batch, seq, heads, dim) at positions (batch, seq)."""
    dim = x.shape[-1]
    key = dim, theta
    if key not in _FREQUENCIES:
        _FREQUENCIES[key] = theta ** (-torch.arange(0, dim, 2) / dim)
    angles = positions[..., None] * _FREQUENCIES[key]
    cos, sin = angles.cos()[:, :, None], angles.sin()[:, :, None]
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)
