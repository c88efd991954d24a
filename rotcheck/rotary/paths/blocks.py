"""PyTorch's operations on a block of positions at a time, so that temporaries stay in the cache."""

from collections.abc import Iterator

import torch
from torch import Tensor

from rotcheck.rotary.call_plan import Plan
from rotcheck.rotary.paths.operations import align, lane_pairs

name = "blocks"
ELEMENTS = 1 << 18  # of a block: 1 MiB of float32


def unfit(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, out: Tensor | None) -> str | None:
    """Why not: off the CPU, or memory that cannot be written element by element."""
    if not x.is_cpu:
        return f"x is on {x.device.type}; its blocks are made for the caches of a CPU"
    if not (x.is_floating_point() and cos.is_floating_point() and sin.is_floating_point()):
        return f"x is {x.dtype}, cos {cos.dtype} and sin {sin.dtype}"
    if out is not None and 0 in out.stride():
        return "elements of out share memory, and cannot be written each for itself"
    return None


def rotate(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, out: Tensor | None) -> Tensor:
    """Rotate x block by block along its positions."""
    out = torch.empty_like(x) if out is None else out
    wide = torch.float64 if x.dtype == torch.float64 else torch.float32
    # broadcast over x
    tables = (align(cos, plan).to(wide), align(sin, plan).to(wide) * plan.direction)
    for x_block, out_block, cos_block, sin_block in _blocks(plan, x, out, *tables):
        _rotate(x_block, out_block, cos_block, sin_block, plan)
    return out


def _blocks(plan: Plan, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    sequence, positions = plan.axes[1], plan.sizes[1]
    length = max(1, ELEMENTS * positions // max(1, tensors[0].numel()))
    if length >= positions:
        yield tensors
        return
    yield from zip(*(torch.split(tensor, length, sequence) for tensor in tensors), strict=True)


def _rotate(x: Tensor, out: Tensor, cos: Tensor, sin: Tensor, plan: Plan) -> None:
    """Rotate a block, its temporaries in float32 or, for float64, in float64."""
    rotated, behind = plan.rotated_slots, 2 * plan.pairs
    if plan.rotated_slots < plan.sizes[2]:
        if x is not out:
            out[:, :, rotated:] = x[:, :, rotated:]
        x, out = x[:, :, :rotated], out[:, :, :rotated]
    if plan.lanes > behind and x is not out:
        out[..., behind:] = x[..., behind:]
    a, b = (half.to(cos.dtype) for half in lane_pairs(x, plan))  # (..., P) each
    # (..., P); addcmul would fuse its roundings, and give other values
    first = (a * cos).sub_(b * sin)
    second = (b * cos).add_(a * sin)  # (..., P)
    for to, values in zip(lane_pairs(out, plan), (first, second), strict=True):
        to.copy_(values)
