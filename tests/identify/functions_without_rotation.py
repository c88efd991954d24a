"""What rotates nothing, or does not come back."""

import os
import time

import torch
from torch import nn


def identity(x, cos, sin):
    return x


def copies(q, k, cos, sin):
    return q.clone(), k.clone()


def adds_positions(x):
    return x + torch.arange(x.shape[1])[:, None, None]


def layer_norm(x):
    return torch.nn.functional.layer_norm(x, x.shape[-1:])


def random_projection(x):
    return x @ torch.randn(x.shape[-1], x.shape[-1], generator=torch.Generator().manual_seed(0)).to(
        x
    )


class Linear(nn.Linear):
    def __init__(self, dim: int = 64) -> None:
        super().__init__(dim, dim)


def doubles(x):
    return 2 * x


def returns_text(x):
    return "rotated"


def sums(x):
    return x.sum(-1)


def softmax_of_scores(q, k):
    return (q @ k.transpose(-1, -2)).softmax(-1)


def raises(x, cos, sin):
    raise ZeroDivisionError("never works")


def not_written(x, cos, sin):
    raise NotImplementedError


def hangs(x, cos, sin):
    time.sleep(600)


def aborts(x, cos, sin):
    os.abort()


def leaves(x, cos, sin):
    os._exit(7)


def two_axes(x, height, width):
    return torch.cat((x[..., :height], x[..., height:]), -1) * (width > 0)


def of_a_grid(x, positions, grid_sizes):
    """A rotation with an argument that identification does not know."""
    if grid_sizes.shape != (x.shape[0], 3):
        raise ValueError("a grid for each row of the batch")
    inv_freq = 10000.0 ** (-torch.arange(0, x.shape[-1], 2).float() / x.shape[-1])
    angle = positions[:, None, :, None] * inv_freq[None, None, None]
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack(
        (a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()), -1
    ).flatten(-2)


def says_nothing(x, grid_sizes, flavour):
    if grid_sizes.dim() > 2:
        raise IndexError(f"grid_sizes has {grid_sizes.dim()} axes")
    raise RuntimeError(f"{tuple(grid_sizes.shape)} is no {flavour.shape[0]} grids")


def one_and_more(x, *others):
    raise RuntimeError("never works")


def of_keywords(**given):
    raise KeyError("my_own")


def of_any_number(*given):
    raise RuntimeError(f"{len(given)} are too few")


def of_anything(*args, **kwargs):
    raise RuntimeError(f"{len(args)} are too few")


def chooses_by_number(x, choice: int):
    raise RuntimeError("never works")


def convert_lanes(tensor: torch.Tensor, kv_channels: int, dim: int) -> torch.Tensor:
    """Lays pairs out as halves, as a checkpoint's converter does:
    with two channels nothing moves."""
    return (
        tensor.unflatten(dim, (-1, kv_channels // 2, 2))
        .movedim(dim + 1, dim + 2)
        .reshape(tensor.shape)
    )


def pairs_not_flattened(length, dim):
    """Tables (S, D/2, 2), which a `.flatten(-2)` would have made (S, D)."""
    inv_freq = 10000.0 ** (-torch.arange(0, dim, 2).float() / dim)
    angle = torch.outer(torch.arange(length).float(), inv_freq).unsqueeze(-1).repeat(1, 1, 2)
    return angle.sin(), angle.cos()
