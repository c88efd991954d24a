import torch
from torch import nn


class RotaryEmbedding(nn.Module):
    """Of tensors (batch, length, heads, head_dim); scaling_factor: by which positions are divided."""

    def __init__(self, max_wavelength=10000, scaling_factor=4.0):
        super().__init__()
        self.max_wavelength, self.scaling_factor = max_wavelength, scaling_factor

    def forward(self, inputs, start_index=0):
        """inputs: (batch, length, heads, head_dim)"""
        width = inputs.shape[-1]
        exponents = torch.arange(0, width, 2).float() / width / self.scaling_factor
        positions = torch.arange(inputs.shape[1]).float() + start_index
        angles = torch.outer(positions, self.max_wavelength**-exponents)
        cos, sin = (each.repeat(1, 2)[:, None] for each in (angles.cos(), angles.sin()))
        a, b = inputs.chunk(2, -1)
        return inputs * cos + torch.cat((-b, a), -1) * sin
