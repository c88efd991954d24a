import torch


def rope(x, theta=10000.0):
    """x: (batch, length, dim)"""
    inverse = 1.0 / theta ** (torch.arange(0, x.shape[-1], 2).float() / x.shape[-1])
    angles = torch.arange(x.shape[-2]).float()[:, None] / inverse
    a, b = x[..., 0::2], x[..., 1::2]
    turned = (a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos())
    return torch.stack(turned, -1).flatten(-2)
