"""MLX's `mx.fast.rope`: computes the angles itself, from an offset; half pairing, (B, H, S, D)."""

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations import third_party
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

MLX = Package("mlx", "mlx", "0.32.4", "'mlx[cpu]'")

convention = Convention(
    pairing="half", layout="bhsd", tables="positions", arguments=("x", "offset"), positions="offset"
)
no_gradient = no_trace = third_party.FOR_NUMPY


def skip(device: str, dtype: str) -> str | None:
    """Return why a dtype is not asked of it."""
    return "MLX computes in float32 at most" if dtype == "float64" else None


def load(device: str) -> Function:
    """Return a function of tensors, which go over as NumPy arrays; on MLX's own default device."""
    return through_numpy(device, traditional=False)


def through_numpy(device: str, *, traditional: bool) -> Function:
    """Return `mx.fast.rope` as a function of x and an offset."""
    MLX.check_installed()
    third_party.for_cpu(device)
    core = MLX.module_named("mlx.core")
    rope: Callable[..., Any] = MLX.function("mlx.core:fast.rope", "a", "dims")

    def apply(x: Tensor, offset: int) -> Tensor:
        wide = core.array(x.detach().float().contiguous().numpy())  # exact for bfloat16 too
        narrow = wide.astype(getattr(core, str(x.dtype)[6:]))
        told = {
            "traditional": traditional,
            "base": convention.theta,
            "scale": 1.0,
            "offset": offset,
        }
        return _tensor(rope(narrow, x.shape[-1], **told).astype(core.float32)).to(x.dtype)

    return apply


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(importlib.import_module("numpy").array(array))
