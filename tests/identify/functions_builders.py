"""Functions and modules that make tables, in every form, with every schedule."""

import math

import numpy as np
import torch
from identifying import Corpus
from torch import Tensor, nn

expect = Corpus()
BUILDS = {"kind": "builds", "pairing": None}


def frequencies(width: int, theta: float = 10000.0) -> Tensor:
    return 1.0 / (theta ** (torch.arange(0, width, 2)[: width // 2].float() / width))


@expect(**BUILDS, tables="complex", theta=10000.0, schedule="Plain", argument_order=("D", "S"))
def precompute_cis(dim, end, theta=10000.0):
    angle = torch.outer(torch.arange(end), frequencies(dim, theta)).float()
    return torch.polar(torch.ones_like(angle), angle)


@expect(**BUILDS, tables="repeated", table_lanes="half", theta=10000.0)
def doubled(head_dim, max_len):
    angle = torch.outer(torch.arange(max_len).float(), frequencies(head_dim))
    both = torch.cat((angle, angle), -1)
    return both.cos(), both.sin()


@expect(**BUILDS, tables="half-width", theta=10000.0)
def once(seq_len, dim):
    angle = torch.outer(torch.arange(seq_len).float(), frequencies(dim))
    return angle.sin(), angle.cos()


@expect(**BUILDS, tables="repeated", table_lanes="interleaved", theta=10000.0)
def each_twice(length, d):
    angle = torch.outer(torch.arange(length).float(), frequencies(d)).repeat_interleave(2, -1)
    return {"cos": angle.cos(), "sin": angle.sin()}


@expect(**BUILDS, tables="stacked", theta=10000.0)
def build_cache(seq_len, n_elem, base=10000.0):
    angle = torch.outer(torch.arange(seq_len).float(), frequencies(n_elem, base))
    return torch.stack((angle.cos(), angle.sin()), -1)


@expect(**BUILDS, tables="angles", theta=10000.0)
def bare_angles(dim, n):
    return torch.outer(torch.arange(n).float(), frequencies(dim))


@expect(**BUILDS, tables="matrix", theta=10000.0, positions="any")
def flux_like(pos, dim, theta=10000.0):
    angle = pos.float()[..., None] * frequencies(dim, theta)
    rows = torch.stack((angle.cos(), -angle.sin(), angle.sin(), angle.cos()), -1)
    return rows.unflatten(-1, (2, 2))


@expect(**BUILDS, tables="half-width", theta=10000.0)
def sinusoids(num_pos, dim):
    angle = torch.outer(torch.arange(num_pos).float(), frequencies(dim))
    return torch.cat((angle.sin(), angle.cos()), 1)


@expect(**BUILDS, tables="half-width", theta=10000.0)
def by_numpy(n_pos, dim):
    places = np.arange(n_pos)[:, None] / np.power(10000, 2 * np.arange(dim // 2) / dim)
    return torch.FloatTensor(np.cos(places)), torch.FloatTensor(np.sin(places))


@expect(
    **BUILDS,
    tables="repeated",
    table_lanes="half",
    positions="any",
    theta=10000.0,
    dtype_rule="returns float32",
)
class LikeLlama(nn.Module):
    def __init__(self, config=None) -> None:
        super().__init__()
        self.register_buffer("inv_freq", frequencies(64), persistent=False)

    @torch.no_grad()
    def forward(self, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        angle = (self.inv_freq[None, :, None] @ position_ids[:, None].float()).transpose(1, 2)
        both = torch.cat((angle, angle), -1)
        return both.cos().to(x.dtype), both.sin().to(x.dtype)


@expect(**BUILDS, tables="angles-repeated", table_lanes="half", theta=10000.0)
class LikeMegatron(nn.Module):
    def __init__(self, kv_channels: int) -> None:
        super().__init__()
        self.inv_freq = frequencies(kv_channels)

    def forward(self, max_seq_len: int, offset: int = 0) -> Tensor:
        rows = torch.arange(max_seq_len).float() + offset
        angle = torch.outer(rows, self.inv_freq)
        return torch.cat((angle, angle), -1)[:, None, None]


@expect(**BUILDS, tables="repeated", table_lanes="half", theta=10000.0, positions="from 0")
class LikeNeoX(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.inv_freq = frequencies(dim)

    def forward(self, x: Tensor, seq_len: int | None = None) -> tuple[Tensor, Tensor]:
        angle = torch.outer(torch.arange(seq_len or x.shape[-2]).float(), self.inv_freq)
        both = torch.cat((angle, angle), -1)
        return both.cos()[None, None], both.sin()[None, None]


@expect(**BUILDS, tables="complex", schedule="Llama3")
def scaled_as_llama3(dim, end):
    own = frequencies(dim, 500000.0)
    low, high, factor, old = 1.0, 4.0, 8.0, 8192
    out = []
    for one in own.tolist():
        turns = old * one / (2 * math.pi)
        smooth = min(max((turns - low) / (high - low), 0.0), 1.0)
        out.append(one * smooth + one / factor * (1 - smooth))
    angle = torch.outer(torch.arange(end).float(), torch.tensor(out))
    return torch.polar(torch.ones_like(angle), angle)


@expect(**BUILDS, tables="half-width", schedule="Linear", theta=10000.0)
def interpolated(dim, max_len, scale=8.0):
    angle = torch.outer(torch.arange(max_len).float() / scale, frequencies(dim))
    return angle.cos(), angle.sin()


@expect(**BUILDS, tables="repeated", schedule="Yarn", choices=("amplitude",))
def yarn(dim, end):
    own, factor, old = frequencies(dim), 4.0, 4096

    def pair(turns: float) -> float:
        return dim * math.log(old / (turns * 2 * math.pi)) / (2 * math.log(10000.0))

    low, high = max(math.floor(pair(32)), 0), min(math.ceil(pair(1)), dim - 1)
    ramp = ((torch.arange(dim // 2).float() - low) / (high - low)).clamp(0, 1)
    own = own / factor * ramp + own * (1 - ramp)
    angle = torch.outer(torch.arange(end).float(), own).repeat(1, 2)
    attention = 0.1 * math.log(factor) + 1
    return angle.cos() * attention, angle.sin() * attention


@expect(**BUILDS, tables="half-width", positions="grid")
def grid_of_patches(dim, height, width):
    own = frequencies(dim // 2)
    rows = torch.outer(torch.arange(height).float(), own)[:, None].expand(-1, width, -1)
    columns = torch.outer(torch.arange(width).float(), own)[None].expand(height, -1, -1)
    angle = torch.cat((rows, columns), -1).flatten(0, 1)
    return angle.cos(), angle.sin()


@expect(**BUILDS, tables="complex", positions="grid")
def grid_with_two_axes(dim, height, width):
    """(height, width, D/2), to be indexed by both."""
    own = frequencies(dim // 2)
    rows = torch.outer(torch.arange(height).float(), own)[:, None].expand(-1, width, -1)
    columns = torch.outer(torch.arange(width).float(), own)[None].expand(height, -1, -1)
    angle = torch.cat((rows, columns), -1)
    return torch.polar(torch.ones_like(angle), angle)


@expect(**BUILDS, tables="half-width", theta=10000.0, dtype_rule="returns bfloat16")
def rounded_at_the_end(dim, end):
    angle = torch.outer(torch.arange(end).float(), frequencies(dim))
    return angle.cos().bfloat16(), angle.sin().bfloat16()


@expect(**BUILDS, tables="half-width", mistakes=("phase",))
def positions_in_bfloat16(dim, end):
    angle = torch.outer(torch.arange(end).bfloat16().float(), frequencies(dim))
    return angle.cos(), angle.sin()


@expect(**BUILDS, tables="half-width", mistakes=("phase",))
def frequencies_in_float16(dim, end):
    angle = torch.outer(torch.arange(end).float(), frequencies(dim).half().float())
    return angle.cos(), angle.sin()


@expect(**BUILDS, tables="half-width", mistakes=("offset",))
def counts_from_one(dim, end):
    angle = torch.outer(torch.arange(1, end + 1).float(), frequencies(dim))
    return angle.cos(), angle.sin()


@expect(**BUILDS, tables="complex", theta=10000.0, argument_order=("D", "S", "device=cpu"))
def on_cuda_by_default(head_dim, seq_len, device="cuda", theta=10000.0):
    angle = torch.outer(
        torch.arange(seq_len, device=device), frequencies(head_dim, theta).to(device)
    )
    return torch.polar(torch.ones_like(angle), angle)


@expect(**BUILDS, tables="packed", table_axes="1s31w", table_lanes="half", theta=10000.0)
class WithASlotForV(nn.Module):
    """SEDD's: v has cos 1 and sin 0."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("inv_freq", frequencies(dim))

    def forward(self, x, seq_dim=1):
        angle = torch.outer(torch.arange(x.shape[seq_dim]).float(), self.inv_freq)
        both = torch.cat((angle, angle), -1)
        cos, sin = (t[None, :, None, None].repeat(1, 1, 3, 1, 1) for t in (both.cos(), both.sin()))
        cos[:, :, 2], sin[:, :, 2] = 1.0, 0.0
        return cos, sin


@expect(**BUILDS, tables="repeated", table_lanes="half", theta=10000.0, positions="any")
class OfRowsOfPositions(nn.Module):
    """Positions of (B, S) are all that it takes."""

    def __init__(self, head_dim: int, theta: float) -> None:
        super().__init__()
        self.head_dim, self.theta = head_dim, theta

    def forward(self, position_ids):
        angle = (
            position_ids[:, :, None].float() * frequencies(self.head_dim, self.theta)[None, None]
        )
        both = torch.cat((angle, angle), -1)
        return both.cos(), both.sin()


@expect(
    **BUILDS,
    tables="angles-repeated",
    table_lanes="interleaved",
    theta=10000.0,
    argument_order=("x", "S"),
)
class ForATensorThatItDoesNotRead(nn.Module):
    """Its `t` is a tensor, as in x-transformers' successors, and no positions."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer(
            "cached",
            torch.outer(torch.arange(8192).float(), frequencies(dim)).repeat_interleave(2, -1),
        )

    def forward(self, t, seq_len):
        return self.cached[:seq_len]


@expect(**BUILDS, tables="repeated", table_lanes="half", theta=10000.0, choices=("by-length",))
class DynamicNtk(nn.Module):
    """transformers' of old: beyond the original length theta grows with the length."""

    def __init__(self, dim: int, max_position_embeddings: int = 2048) -> None:
        super().__init__()
        self.dim, self.original = dim, max_position_embeddings

    def forward(self, x, seq_len=None):
        theta = 10000.0
        if seq_len > self.original:
            theta *= (seq_len / self.original) ** (self.dim / (self.dim - 2))
        angle = torch.outer(torch.arange(seq_len).float(), frequencies(self.dim, theta))
        both = torch.cat((angle, angle), -1)
        return both.cos(), both.sin()
