import math

import torch
from torch import nn


class SuScaledRoPE(nn.Module):
    """LongRoPE: short_factor up to original_max_position_embeddings, long_factor for longer sequences."""

    def __init__(
        self,
        dims=96,
        base=10000.0,
        max_position_embeddings=131072,
        original_max_position_embeddings=4096,
        short_factor=None,
        long_factor=None,
    ):
        super().__init__()
        self.dim = dims
        self.original_max_position_embeddings = original_max_position_embeddings
        freqs = base ** (torch.arange(0, dims, 2).float() / dims)
        short = torch.tensor(short_factor or [1.0 + 0.015 * i for i in range(dims // 2)])
        long = torch.tensor(long_factor or [1.0 + 0.9 * i for i in range(dims // 2)])
        self._short_freqs, self._long_freqs = short * freqs, long * freqs
        factor = max_position_embeddings / original_max_position_embeddings
        self.scale = math.sqrt(1 + math.log(factor) / math.log(original_max_position_embeddings))

    def forward(self, x, offset=0):
        """x: (B, n_heads, L, head_dim)"""
        L = x.shape[-2]
        freqs = (
            self._long_freqs
            if offset + L > self.original_max_position_embeddings
            else self._short_freqs
        )
        angles = torch.arange(offset, offset + L, device=x.device).float()[:, None] / freqs
        cos, sin = angles.cos() * self.scale, angles.sin() * self.scale
        x1, x2 = x.chunk(2, -1)
        return torch.cat((x1 * cos - x2 * sin, x2 * cos + x1 * sin), -1)
