"""Functions that take arguments of kinds that nothing knows, without names,
or with a layout to choose."""

from types import SimpleNamespace
from typing import Literal

import torch
from torch import Tensor


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def of_a_mapping(alpha, beta, gamma):
    return beta if alpha["mode"] else gamma


def of_attributes(alpha: SimpleNamespace, beta, gamma):
    return beta * alpha.scale + gamma


def of_a_flag_tensor(alpha, beta, gamma):
    return beta + gamma if alpha else beta


def never_works(alpha, beta, gamma):
    raise ValueError(f"{tuple(alpha.shape) if isinstance(alpha, Tensor) else alpha} is amiss")


def without_names(alpha, beta, gamma):
    assert beta.shape == (alpha.shape[1], alpha.shape[3] // 2)
    return _turned(alpha, beta[None, :, None], gamma[None, :, None])


def of_96_lanes(x, cos, sin):
    if x.shape[-1] != 96:
        raise ValueError("heads must have 96 lanes")
    return _turned(x, cos[:, None], sin[:, None])


def picky(cos, sin, x):
    if not (x.dim() == 4 and cos.dim() == sin.dim() == 2):
        raise TypeError("x must have 4 axes, cos and sin 2")
    return _turned(x, cos[None, :, None], sin[None, :, None])


def typed(x, cos, sin):
    assert x.shape[-1] in (128, 256), "128 or 256 lanes"
    return _turned(x, cos[None, :, None], sin[None, :, None])


def in_a_format(x, freqs, tensor_format: str = "sbhd"):
    """freqs: angles (s, d). tensor_format: 'sbhd' or 'bshd'."""
    rows = freqs[:, None, None] if tensor_format == "sbhd" else freqs[None, :, None]
    first = freqs.shape[-1] // 2
    return _turned(x, rows[..., :first].cos(), rows[..., :first].sin())


def says_its_layout(x, cos, sin, layout: Literal["bshd", "bhsd"]):
    rows = (None, slice(None), None) if layout == "bshd" else (None, None)
    return _turned(x, cos[rows], sin[rows])


def some_lanes(x, cos, sin, rope_dim=32):
    turned = _turned(x[..., :rope_dim], cos[None, :, None], sin[None, :, None])
    return torch.cat((turned, x[..., rope_dim:]), -1)
