"""Functions whose result a kernel writes, which autograd does not see,
and others that only look like one."""

from typing import Any

import numpy
import torch
from torch import Tensor

Array = numpy.ndarray[Any, Any]


def turned(x: Array, cos: Array, sin: Array) -> tuple[Array, Array]:
    a, b = numpy.split(x, 2, -1)
    return a * cos - b * sin, b * cos + a * sin


def write(out: Tensor, x: Tensor, cos: Tensor, sin: Tensor) -> None:
    """Write the rotation of x by a pointer, as a kernel does;
    rows past the table take its last one."""
    rows = numpy.minimum(numpy.arange(x.shape[1]), len(cos) - 1)
    tables = (one.numpy()[rows][:, None] for one in (cos, sin))
    out.detach().numpy()[:] = numpy.concatenate(turned(x.detach().numpy(), *tables), -1)


def in_place(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (B, S, H, D), cos and sin (S, D/2)"""
    write(x, x, cos, sin)
    return x


def in_a_copy(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (B, S, H, D), cos and sin (S, D/2)"""
    return in_place(x.clone(), cos, sin)


def in_new_memory(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (B, S, H, D), cos and sin (S, D/2)"""
    out = torch.empty_like(x)
    write(out, x, cos, sin)
    return out


def in_torch(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (B, S, H, D), cos and sin (S, D/2); rows past the table take its last one"""
    rows = torch.arange(x.shape[1]).clamp(max=len(cos) - 1)
    c, s = cos[rows][:, None], sin[rows][:, None]
    a, b = x.chunk(2, -1)
    return torch.cat((a * c - b * s, b * c + a * s), -1)


def detached(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (B, S, H, D), cos and sin (S, D/2)"""
    return in_torch(x.detach(), cos, sin)


def by_data(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (B, S, H, D), cos and sin (S, D/2)"""
    x.data.copy_(in_torch(x, cos, sin))
    return x


def beside_its_input(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (B, S, H, D), cos and sin (S, D/2)"""
    return in_place(x, cos, sin) * 1
