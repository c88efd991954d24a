import torch
from torch import nn


class TextRotaryEmbedding(nn.Module):
    """Full attention: theta 1e6, positions divided by 8. Sliding attention: theta 1e4."""

    def __init__(self, head_dim=128, rope_theta=1e6, factor=8.0):
        super().__init__()
        for layer_type, base in (("full_attention", rope_theta), ("sliding_attention", 1e4)):
            scale = factor if layer_type == "full_attention" else 1.0
            inv_freq = 1.0 / base ** (torch.arange(0, head_dim, 2).float() / head_dim) / scale
            self.register_buffer(f"{layer_type}_inv_freq", inv_freq, persistent=False)

    @torch.no_grad()
    def forward(self, x, position_ids, layer_type=None):
        angles = position_ids[..., None].float() * getattr(self, f"{layer_type}_inv_freq")
        angles = torch.cat((angles, angles), -1)
        return angles.cos().to(x.dtype), angles.sin().to(x.dtype)
