"""A model's rotary file as one finds it: much in it speaks of rotary embeddings,
and not all of it is meant."""

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn


class RopeTables(NamedTuple):
    sin: Tensor
    cos: Tensor


class AbstractRope(nn.Module, ABC):
    @abstractmethod
    def forward(self, x): ...


class RopeBase(AbstractRope):
    def apply_emb(self, x, cos, sin):
        return apply_rope(x, cos, sin)


class RopeInPlace(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, cos, sin):
        return apply_rope(x, cos, sin)


def _pair_rot(x):
    return torch.stack((-x[..., 1::2], x[..., 0::2]), -1).flatten(-2)


def rot_negated(x: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    return torch.cat((b * -1, a), dim=-1)


def apply_rope(x, cos, sin):
    cos, sin = cos[:, None], sin[:, None]
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


class RotaryMethods(nn.Module):
    """Nothing calls the object itself: its public methods are meant."""

    def __init__(self, head_dim):
        super().__init__()
        self.register_buffer(
            "inv_freq", 10000.0 ** (-torch.arange(0, head_dim, 2).float() / head_dim)
        )
        self.rows = 0

    def _build_rope_cache(self, seq_len):
        self.rows = seq_len

    @property
    def rotary_width(self):
        return 2 * len(self.inv_freq)

    def reset_rotary(self):
        self.rows = 0

    def get_cos_sin(self, seq_len):
        angle = torch.outer(torch.arange(seq_len).float(), self.inv_freq).repeat(1, 2)
        return angle.cos(), angle.sin()

    def apply_rotary(self, q, k, seq_len):
        cos, sin = self.get_cos_sin(seq_len)
        return apply_rope(q[:, None], cos, sin)[:, 0], apply_rope(k[:, None], cos, sin)[:, 0]


class RotaryEmbedding(nn.Module):
    """Makes tables, and has a class method that uses them."""

    def __init__(self, head_dim, theta):
        super().__init__()
        self.head_dim, self.theta = head_dim, theta

    def forward(self, position_ids):
        width = self.head_dim
        angle = position_ids[..., None].float() * self.theta ** (
            -torch.arange(0, width, 2).float() / width
        )
        return angle.repeat(1, 1, 2).cos(), angle.repeat(1, 1, 2).sin()

    @staticmethod
    def rotate_half(x):
        a, b = x.chunk(2, -1)
        return torch.cat((-b, a), -1)

    @classmethod
    def apply(cls, x, cos, sin):
        return x * cos[:, None] + cls.rotate_half(x) * sin[:, None]


class ParallelRope(nn.Module):
    """Cannot be built; its static method can be called all the same."""

    def __init__(self, process_group):
        super().__init__()

    def forward(self, x):
        return x

    @staticmethod
    def apply_rotary(x, cos, sin):
        return apply_rope(x, cos, sin)


class RopeOfWidth(nn.Module):
    """Has the width of one head, whatever its parameter is called, and would be on CUDA."""

    def __init__(self, dim_model, max_seq_len=256, device="cuda"):
        super().__init__()
        self.width = dim_model
        inverse = 10000.0 ** (-torch.arange(0, dim_model, 2, device=device).float() / dim_model)
        self.register_buffer(
            "angle", torch.outer(torch.arange(max_seq_len, device=device).float(), inverse)
        )

    def forward(self, q, k):
        assert q.shape[-1] == self.width
        cos, sin = (
            table[: q.shape[2]].repeat(1, 2) for table in (self.angle.cos(), self.angle.sin())
        )
        return apply_rope(q, cos[None], sin[None]), apply_rope(k, cos[None], sin[None])


class RopeOfHeads(RopeOfWidth):
    def __init__(self, d_model, n_heads=4):
        super().__init__(d_model // n_heads, device="cpu")


class RopeOfGivenHeads(RopeOfWidth):
    def __init__(self, embed_dim: int, rotary_embedding: int, num_heads: int):
        assert embed_dim == num_heads * rotary_embedding
        super().__init__(rotary_embedding, device="cpu")


class RopeOfThreeWays(RopeOfWidth):
    """Takes no heads of 64 lanes: each of three coordinates has pairs of its own."""

    def __init__(self, dim):
        assert dim % 6 == 0, f"{dim} is not divisible by 6"
        super().__init__(dim, device="cpu")


class RopeCache(nn.Module):
    """Nothing calls the object itself, and what its method makes it calls a cache."""

    def __init__(self, feature_dim):
        super().__init__()
        self.inverse = 10000.0 ** (-torch.arange(0, feature_dim, 2).float() / feature_dim)

    def build_cache(self, length: int):
        angle = torch.outer(torch.arange(length).float(), self.inverse)
        return angle.sin(), angle.cos()

    def clear_cache(self, length: int):
        self.inverse = None


class SelfAttention(nn.Module):
    """Is no rotary class by its name; two methods that need no object of it
    are rotary all the same."""

    @staticmethod
    def apply_rotary_positions(sinusoidal_pos, query_layer, key_layer):
        sin, cos = sinusoidal_pos.repeat_interleave(2, -1).chunk(2, -1)
        return tuple(each * cos + _pair_rot(each) * sin for each in (query_layer, key_layer))

    @classmethod
    def rope(cls, x, cos, sin):
        return apply_rope(x, cos, sin)

    @staticmethod
    def rotary_pairs(x):
        return torch.stack((-x[..., 1::2], x[..., 0::2]), -1).flatten(-2)

    @staticmethod
    def apply_mask(x, position_ids):
        return x.masked_fill(position_ids < 0, 0.0)

    def apply_rope(self, x, cos, sin):
        return apply_rope(x, cos, sin) * self.scale

    def forward(self, x):
        return x


def rope_of_frequencies(value, position, inv_frequency):
    angle = position[:, None] * inv_frequency[None, :]
    even, odd = value[..., ::2], value[..., 1::2]
    cos, sin = angle.cos(), angle.sin()
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


@lru_cache(maxsize=8)
@torch.jit.script
def rope_tables(dim: int, seqlen: int, device: torch.device) -> Tensor:
    inverse = 10000.0 ** (-torch.arange(0, dim, 2, device=device).float() / dim)
    angle = torch.outer(torch.arange(seqlen, device=device).float(), inverse)
    return torch.polar(torch.ones_like(angle), angle)
