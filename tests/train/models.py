"""Models as users have them, for `rotcheck train --model tests/train/models.py:factory`."""

import torch
from torch import nn

TOKENS, WIDTH, HEADS = 23, 48, 3


class Tiny(nn.Module):
    """One layer of causal attention that predicts the next residue."""

    def __init__(self, rotary, width=WIDTH):
        super().__init__()
        self.rotary = rotary
        self.embed = nn.Embedding(TOKENS, width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, TOKENS)

    def forward(self, tokens):
        qkv = self.qkv(self.embed(tokens)).unflatten(-1, (3, HEADS, -1))  # (B, S, 3, H, D)
        q, k, v = self.rotary(qkv).transpose(1, 3).unbind(2)  # (B, H, S, D) each
        x = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)  # (B, H, S, D)
        logits = self.out(x.transpose(1, 2).flatten(2))  # (B, S, V)
        return nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())


def factory(rotary):
    return Tiny(rotary)


def heads_of_64(rotary):
    return Tiny(rotary, 64 * HEADS)


def rotate(qkv):
    """A rotation of the model's own: tables at each call, computed in float64."""
    length, width = qkv.shape[1], qkv.shape[-1]
    frequencies = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.arange(length)[:, None] * frequencies
    cos, sin = (table.to(qkv)[:, None, None] for table in (angles.cos(), angles.sin()))
    a, b = qkv[:, :, :2].chunk(2, -1)
    return torch.cat((torch.cat((a * cos - b * sin, b * cos + a * sin), -1), qkv[:, :, 2:]), 2)


def own():
    return Tiny(rotate)


class UnderAutocast(Tiny):
    """Computes in bfloat16 where it says float32; autocast leaves float64 alone."""

    def forward(self, tokens):
        with torch.autocast("cpu", torch.bfloat16):
            return super().forward(tokens)


def own_under_autocast():
    return UnderAutocast(rotate)


class Random(Tiny):
    """Draws random numbers in its dtype: in float64 others than in float32."""

    def forward(self, tokens):
        return super().forward(tokens) * (1 + torch.rand(100, dtype=self.out.weight.dtype)[-1])


class Vector(Tiny):
    def forward(self, tokens):
        return self.embed(tokens)


class Breaks(Tiny):
    def forward(self, tokens):
        raise ValueError("no such layer")


def no_module(rotary):
    return "a module"


def no_parameters(rotary):
    return nn.Identity()


def needs_two(rotation, configuration):
    return Tiny(rotation)


def fails(rotary):
    raise KeyError("configuration")
