"""Which tensors can be looked at, and which can hold lanes in rows."""

from typing import Any

import torch
from torch import Tensor

MOST_ELEMENTS = 1 << 22  # of a tensor that is copied
VANISHED = 1e-34  # the largest value of a tensor whose short pairs float32 hardly holds any more


def has_values(tensor: Tensor) -> bool:
    """Whether a tensor has values of its own, and not too many to be copied."""
    if torch._C._dispatch_keys(tensor).has(torch._C.DispatchKey.Python):
        return False  # a fake one, with which torch compiles
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        return False  # within vmap
    return tensor.layout == torch.strided and tensor.device.type != "meta" and (
        0 < tensor.numel() <= MOST_ELEMENTS
    )  # fmt: skip


def is_wide(tensor: Tensor) -> bool:
    """Whether a tensor can hold lanes in rows; one in float8, with which torch computes next to
    nothing, does not."""
    kind = tensor.is_complex() or (tensor.is_floating_point() and tensor.itemsize > 1)
    return kind and tensor.dim() >= 2 and has_values(tensor)


def has_vanished(tensor: Tensor) -> bool:
    """Whether values are so small that float32 and bfloat16 round them more coarsely than others,
    as in deep networks whose weights are random."""
    return 0 < float(tensor.detach().abs().max()) < VANISHED


def shows_angles(tensor: Tensor) -> bool:
    """Whether a tensor can hold lanes in rows, whose values show whether they turn."""
    return is_wide(tensor) and not has_vanished(tensor)


def has_rows(tensor: Tensor) -> bool:
    """Whether the rows of a tensor are not all the same."""
    rows = tensor.detach().flatten(0, -2)  # (N, D)
    return bool((rows != rows[0]).any())


def identity(tensor: Tensor) -> tuple[Any, ...]:
    """What is another one after a tensor was written to."""
    version = 0 if tensor.is_inference() else tensor._version
    return id(tensor), version, tensor.data_ptr(), tensor.shape, tensor.stride()
