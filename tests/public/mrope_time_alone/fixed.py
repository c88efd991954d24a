import torch
from torch import nn


class TextRotaryEmbedding(nn.Module):
    """M-RoPE in turn: pairs turn with time, height, width, time, ..."""

    def __init__(self, head_dim=128, rope_theta=5000000.0, mrope_section=(24, 20, 20)):
        super().__init__()
        self.mrope_section = list(mrope_section)
        inv_freq = 1.0 / rope_theta ** (torch.arange(0, head_dim, 2).float() / head_dim)
        self.register_buffer("inv_freq", inv_freq, persistent=False)

    def in_turn(self, angles):
        chosen = angles[0].clone()
        for axis in (1, 2):
            pairs = slice(axis, 3 * self.mrope_section[axis], 3)
            chosen[..., pairs] = angles[axis][..., pairs]
        return chosen

    @torch.no_grad()
    def forward(self, x, position_ids):
        if position_ids.ndim == 2:
            position_ids = position_ids[None].expand(3, -1, -1)
        angles = self.in_turn(position_ids[..., None].float() * self.inv_freq)
        angles = torch.cat((angles, angles), -1)
        return angles.cos().to(x.dtype), angles.sin().to(x.dtype)
