import torch
from torch import nn


class GrowingBase(nn.Module):
    """Raises its base with the length of a sequence, beyond the one that it was trained for."""

    def __init__(self, dim=64, trained=512, base=10000.0):
        super().__init__()
        self.dim, self.trained, self.base = dim, trained, base

    def forward(self, x, offset=0):
        # x: (batch, heads, seq, dim)
        length = x.shape[1] + offset
        growth = max(4 * length / self.trained - 3, 1.0)
        base = self.base * growth ** (self.dim / (self.dim - 2))
        freqs = base ** (-torch.arange(0, self.dim, 2) / self.dim)
        angles = torch.arange(offset, offset + x.shape[2])[:, None] * freqs
        cos, sin = angles.cos(), angles.sin()
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
