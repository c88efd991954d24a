"""A kernel with an autograd.Function that marks nothing,
and one that leaves its autograd.Function aside."""

from typing import Any

import torch
from kernels_for_inference import write
from torch import Tensor


class Rotation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        write(x, x, cos, sin)
        return x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return gradient, None, None


def unmarked(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (B, S, H, D), cos and sin (S, D/2)"""
    Rotation.apply(x, cos, sin)
    return x


def left_aside(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (B, S, H, D), cos and sin (S, D/2)"""
    out = torch.empty_like(x)
    write(out, x, cos, sin)
    return out
