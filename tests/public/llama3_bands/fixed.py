import math

import torch
from torch import nn


def llama3_inv_freq(head_dim, theta, scaling):
    inv_freq = 1.0 / theta ** (torch.arange(0, head_dim, 2).float() / head_dim)
    factor, low, high = scaling["factor"], scaling["low_freq_factor"], scaling["high_freq_factor"]
    old = scaling["original_max_position_embeddings"]
    wavelength = 2 * math.pi / inv_freq
    smooth = ((old / wavelength - low) / (high - low)).clamp(0, 1)
    scaled = inv_freq / factor
    return torch.where(
        wavelength > old / low,
        scaled,
        torch.where(wavelength < old / high, inv_freq, (1 - smooth) * scaled + smooth * inv_freq),
    )


class Llama3RotaryEmbedding(nn.Module):
    def __init__(self, head_dim=128, rope_theta=500000.0, rope_scaling=None):
        super().__init__()
        rope_scaling = rope_scaling or {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        }
        self.register_buffer(
            "inv_freq", llama3_inv_freq(head_dim, rope_theta, rope_scaling), persistent=False
        )

    @torch.no_grad()
    def forward(self, x, position_ids):
        angles = position_ids[..., None].float() * self.inv_freq.float()
        angles = torch.cat((angles, angles), -1)
        return angles.cos().to(x.dtype), angles.sin().to(x.dtype)
