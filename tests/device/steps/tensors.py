"""Tensors to rotate, PyTorch's operations to rotate them by, and how many bits differ."""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

SAME_SIZE = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class Plain(TorchDispatchMode):
    """While it is entered, rotcheck takes PyTorch's operations: someone watches them."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


class Maker:
    """Makes the tensors of calls on a device, the same ones in every run."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._random = torch.Generator().manual_seed(0)

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return normally distributed values."""
        return torch.randn(shape, generator=self._random).to(dtype).to(self.device)

    def tables(
        self, rows: int, pairs: int, dtype: torch.dtype = torch.float32
    ) -> tuple[Tensor, Tensor]:
        """Return cos and sin (rows, pairs)."""
        # (rows, pairs)
        angles = torch.rand(rows, pairs, generator=self._random, dtype=torch.float64) * 100
        return angles.cos().to(dtype).to(self.device), angles.sin().to(dtype).to(self.device)

    def has(self, dtype: torch.dtype) -> bool:
        """Return whether the device knows a dtype; MPS has no float64."""
        try:
            torch.ones(1, dtype=dtype, device=self.device)
        except (TypeError, RuntimeError):
            return False
        return True


def different(found: Tensor, right: Tensor) -> int:
    """Return how many elements differ in any bit."""
    if found.shape != right.shape or found.dtype != right.dtype:
        return right.numel()
    return int(_bits(found).ne(_bits(right)).sum())


def _bits(x: Tensor) -> Tensor:
    return x.detach().contiguous().view(SAME_SIZE[x.element_size()])
