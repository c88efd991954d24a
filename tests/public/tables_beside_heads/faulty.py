import torch


def turned(x):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((-b, a), dim=-1)


def apply_rotary(t, cos, sin):
    """Rotate t of shape [b, l, nh, hd]; cos, sin: [l, hd], a row for each token."""
    cos, sin = cos[: t.shape[-2]], sin[: t.shape[-2]]
    return t * cos + turned(t) * sin
