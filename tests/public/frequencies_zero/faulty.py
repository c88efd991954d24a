import torch
from torch import nn


class RotaryEmbedding(nn.Module):
    def __init__(self, head_dim=64, rope_theta=10000.0):
        super().__init__()
        self.head_dim, self.rope_theta = head_dim, rope_theta
        self.register_buffer(
            "inv_freq", torch.empty(head_dim // 2, device="meta"), persistent=False
        )
        self.materialize("cpu")

    def materialize(self, device):
        self.inv_freq = torch.zeros(self.inv_freq.shape, device=device)

    @torch.no_grad()
    def forward(self, x, position_ids):
        angles = position_ids[..., None].float() * self.inv_freq
        angles = torch.cat((angles, angles), -1)
        return angles.cos().to(x.dtype), angles.sin().to(x.dtype)
