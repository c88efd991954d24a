import torch
from torch import nn


class RotaryEmbedding(nn.Module):
    """Frequencies of two kinds of layers."""

    layer_types = ("sliding", "compressed")

    def __init__(self, dim=64, theta=10000.0, compressed_theta=160000.0):
        super().__init__()
        exponent = torch.arange(0, dim, 2).float() / dim
        self.register_buffer("plain_inv_freq", theta**-exponent, persistent=False)
        self.register_buffer("wide_inv_freq", compressed_theta**-exponent, persistent=False)

    def forward(self, x, position_ids, layer_type):
        inv_freq = self.wide_inv_freq
        angles = position_ids[..., None].float() * inv_freq
        return angles.cos().to(x.dtype), angles.sin().to(x.dtype)
