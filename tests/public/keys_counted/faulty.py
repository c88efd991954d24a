import torch


def rotate_newest(q, kv_len, base=10000.0):
    """q: (batch, heads, dim), a new token of each row; kv_len: (batch,), the tokens of each, this one among them."""
    freqs = base ** (-torch.arange(0, q.shape[-1], 2) / q.shape[-1])
    angles = (kv_len[:, None] + 1) * freqs
    cos, sin = angles.cos()[:, None], angles.sin()[:, None]
    a, b = q.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
