import torch
from torch import nn


class RotaryEmbedding(nn.Module):
    def __init__(self, dim=32, theta=10000):
        super().__init__()
        self.cache = {}
        self.register_buffer("freqs", 1.0 / theta ** (torch.arange(0, dim, 2).float() / dim))

    def angles(self, length, offset, key):
        if key not in self.cache:
            positions = torch.arange(length).float() + offset
            self.cache[key] = torch.outer(positions, self.freqs.float()).repeat_interleave(2, -1)
        return self.cache[key]

    def rotate_queries_or_keys(self, t, seq_dim=-2, offset=0):
        angles = self.angles(t.shape[seq_dim], offset, f"{t.shape[seq_dim]}")
        width = angles.shape[-1]
        turned, rest = t[..., :width].float(), t[..., width:]
        a, b = turned.unflatten(-1, (-1, 2)).unbind(-1)
        other = torch.stack((-b, a), -1).flatten(-2)
        return torch.cat(((turned * angles.cos() + other * angles.sin()).to(t.dtype), rest), -1)
