import torch
from torch import nn


def rope_of_axis(dim, positions, theta=10000.0):
    freqs = 1.0 / theta ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    angles = torch.outer(positions.double(), freqs).repeat_interleave(2, -1)
    return angles.cos().float(), angles.sin().float()


class ImagePosEmbed(nn.Module):
    def __init__(self, theta=2000, axes_dim=(16, 56, 56)):
        super().__init__()
        self.theta, self.axes_dim = theta, axes_dim

    def forward(self, ids):
        made = [
            rope_of_axis(dim, ids[:, axis], self.theta) for axis, dim in enumerate(self.axes_dim)
        ]
        return torch.cat([cos for cos, _ in made], -1), torch.cat([sin for _, sin in made], -1)
