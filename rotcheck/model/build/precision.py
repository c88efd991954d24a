"""A model, or the inputs of one, in another dtype."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from rotcheck.witness.call_record import map_tensors


def moved(
    inputs: Mapping[str, Any], dtype: torch.dtype | None, device: str | None = None
) -> dict[str, Any]:
    """The inputs of a model on a device; floating ones in the dtype, if one is given."""

    def move(tensor: Tensor) -> Tensor:
        return tensor.to(device=device, dtype=dtype if tensor.is_floating_point() else None)

    return {name: map_tensors(value, move) for name, value in inputs.items()}


def cast_module(module: Module, dtype: torch.dtype | None) -> Module:
    """A module with its floating weights and buffers in the dtype; None: in those that they have.

    Complex tables stay complex, which `module.to(dtype)` would make real.
    """
    casts = {torch.float32: "float", torch.bfloat16: "bfloat16", torch.float16: "half"}
    return module if dtype is None else getattr(module, casts[dtype])()
