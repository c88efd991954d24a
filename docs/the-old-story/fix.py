"""The fix, called as its own test called it: with tables (1, S, 1, 1, D), which have no slot for V.

It declares what it was to replace: a function that takes SEDD's tables and leaves V alone.
"""

import torch

import rotcheck


@rotcheck.declare(pairing="half", layout="qkv", tables="packed")
def apply_rotary_pos_emb(qkv, cos, sin):
    """Rotate packed qkv (B, S, 3, H, D), V included."""
    cos, sin = cos[:, :, :1], sin[:, :, :1]  # (1, S, 1, 1, D)
    x1, x2 = qkv.chunk(2, -1)
    return qkv * cos + torch.cat((-x2, x1), -1) * sin
