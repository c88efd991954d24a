import torch
from torch import nn


def swap_pairs(x):
    first, second = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((-second, first), -1).flatten(-2)


class RotaryEmbedding(nn.Module):
    """Rotates the first dim lanes of queries or keys (batch, heads, length, head_dim), whose angles it keeps."""

    def __init__(self, dim, theta=10000):
        super().__init__()
        self.kept = {}
        self.register_buffer(
            "freqs", theta ** (-torch.arange(0, dim, 2).float() / dim), persistent=False
        )

    def angles(self, length, offset):
        key = length
        if key not in self.kept:
            positions = torch.arange(length).float() + offset
            self.kept[key] = torch.outer(positions, self.freqs).repeat_interleave(2, -1)
        return self.kept[key]

    def rotate_queries_or_keys(self, t, offset=0):
        angles = self.angles(t.shape[-2], offset)
        turned, rest = t[..., : angles.shape[-1]], t[..., angles.shape[-1] :]
        return torch.cat((turned * angles.cos() + swap_pairs(turned) * angles.sin(), rest), -1)
