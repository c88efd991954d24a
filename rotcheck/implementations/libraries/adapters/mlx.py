"""MLX: tensors go over as NumPy arrays; on MLX's own default device."""

import importlib
from typing import Any

import torch
from torch import Tensor

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.library import Library


def through_numpy(library: Library, device: str) -> Function:
    """`mx.fast.rope` as a function of x and an offset, tensors."""
    core = library.package.module_named("mlx.core")
    rope = library.fetch()
    convention = library.convention
    options = {
        "traditional": convention.pairing == "interleaved",
        "base": convention.theta,
        "scale": 1.0,
    }

    def apply(x: Tensor, offset: int) -> Tensor:
        wide = core.array(x.detach().float().contiguous().numpy())  # exact for bfloat16 too
        narrow = wide.astype(getattr(core, str(x.dtype)[6:]))
        result = rope(narrow, x.shape[-1], **options, offset=offset)
        return _tensor(result.astype(core.float32)).to(x.dtype)

    return apply


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(importlib.import_module("numpy").array(array))
