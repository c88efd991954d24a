"""Functions of which a call runs that nobody can be sure of,
each beside one of which there is no doubt."""

import torch
from torch import nn


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def frequencies(width):
    return 10000.0 ** (-torch.arange(0, width, 2).float() / width)


def keys_have_tables_of_their_own(q, k, cos, sin, cos_k, sin_k):
    """As cross-attention has it, whose queries and keys lie elsewhere."""
    cos, sin, cos_k, sin_k = (t[..., : t.shape[-1] // 2] for t in (cos, sin, cos_k, sin_k))
    return rotate(q, cos, sin), rotate(k, cos_k, sin_k)


def begins_late(x, prefill):
    rows = torch.arange(x.shape[1]) + 1 + prefill
    angle = rows.float()[:, None] * frequencies(x.shape[-1])
    return rotate(x, angle.cos()[:, None], angle.sin()[:, None])


def begins_late_by_its_caller(x, prefill):
    """The same, and the file calls it with `offset`."""
    rows = torch.arange(x.shape[1]) + 1 + prefill
    angle = rows.float()[:, None] * frequencies(x.shape[-1])
    return rotate(x, angle.cos()[:, None], angle.sin()[:, None])


def caller(x, offset):
    return begins_late_by_its_caller(x, offset)


def masked(q, k, attention_mask, positions):
    """q, k (B, H, S, D)."""
    angle = positions.float()[..., None] * frequencies(q.shape[-1])
    cos, sin = angle.cos().unsqueeze(-3), angle.sin().unsqueeze(-3)
    return rotate(q, cos, sin), rotate(k, cos, sin)


def unmasked(q, k, positions):
    """q, k (B, H, S, D)."""
    return masked(q, k, None, positions)


class TurnsHeads(nn.Module):
    """Rotates along the last axis but one."""

    def forward(self, x):
        """x: (batch, length, heads, lanes)"""
        angle = torch.arange(x.shape[-2]).float()[:, None] * frequencies(x.shape[-1])
        return rotate(x, angle.cos(), angle.sin())


class TurnsRows(TurnsHeads):
    def forward(self, x):
        """x: (batch, heads, length, lanes)"""
        return super().forward(x)


class TurnsHeadsByComment(TurnsHeads):
    def forward(
        self,
        x,  # (B, S, H, D)
    ):
        return super().forward(x)


def says_what_it_does(x, cos, sin):
    print("rotating")
    return rotate(x, cos[:, None], sin[:, None])


def with_more_arguments(x, cos, sin, scale=1.0, cache=None):
    return scale * rotate(x, cos[:, None], sin[:, None])
