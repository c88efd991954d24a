import torch


def turned(x):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((-b, a), dim=-1)


def apply_rotary(t, cos, sin):
    """Rotate t of shape [b, l, nh, hd]; cos, sin: [l, hd], a row for each token."""
    cos, sin = cos[: t.shape[1], None], sin[: t.shape[1], None]
    return t * cos + turned(t) * sin
