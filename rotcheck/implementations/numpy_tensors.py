"""Tensors as NumPy arrays and back, bit for bit; NumPy has bfloat16 from ml_dtypes."""

import importlib
from typing import Any

import torch
from torch import Tensor


def array(tensor: Tensor) -> Any:
    """Return a tensor on the CPU as a contiguous array."""
    own = tensor.detach().contiguous()
    if own.dtype == torch.bfloat16:
        return own.view(torch.int16).numpy().view(importlib.import_module("ml_dtypes").bfloat16)
    return own.numpy()


def tensor(array: Any) -> Tensor:
    """Return an array as a tensor on the CPU."""
    own = importlib.import_module("numpy").ascontiguousarray(array)
    if own.dtype.name == "bfloat16":
        return torch.from_numpy(own.view("int16")).view(torch.bfloat16)
    return torch.from_numpy(own)
