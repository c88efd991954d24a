"""Tensors as NumPy arrays and back, bit for bit; NumPy has bfloat16 from ml_dtypes."""

import importlib
from typing import Any

import torch
from torch import Tensor


def array(tensor: Tensor) -> Any:
    """A tensor on the CPU as a contiguous array."""
    contiguous = tensor.detach().contiguous()
    if contiguous.dtype == torch.bfloat16:
        return (
            contiguous.view(torch.int16).numpy().view(importlib.import_module("ml_dtypes").bfloat16)
        )
    return contiguous.numpy()


def tensor(array: Any) -> Tensor:
    """An array as a tensor on the CPU."""
    contiguous = importlib.import_module("numpy").ascontiguousarray(array)
    if contiguous.dtype.name == "bfloat16":
        return torch.from_numpy(contiguous.view("int16")).view(torch.bfloat16)
    return torch.from_numpy(contiguous)
