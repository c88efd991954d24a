import torch
from torch import nn


class Rotary(nn.Module):
    def __init__(self, dim=32, rows=256):
        super().__init__()
        freqs = 1.0 / 10000 ** (torch.arange(0, dim, 2).float() / dim)
        angles = torch.outer(torch.arange(rows).float(), freqs)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x_BTHD):
        rows = x_BTHD.size(-3)
        cos, sin = self.cos[None, :rows, None], self.sin[None, :rows, None]
        a, b = x_BTHD.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class RotaryAttentionHeads(nn.Module):
    def __init__(self, d_k=32):
        super().__init__()
        self.rotary = Rotary(d_k)

    def forward(self, Q, K):
        # Q, K: [B, H, T, D]
        return self.rotary(Q.transpose(1, 2)).transpose(1, 2), self.rotary(
            K.transpose(1, 2)
        ).transpose(1, 2)
