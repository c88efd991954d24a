"""What a tensor must be for a result to be written into it."""

import torch
from torch import Tensor

from rotcheck.rotary import overlap
from rotcheck.rotary.paths import tracing
from rotcheck.rotary.paths.addresses import PLAIN


def check_out(out: Tensor, x: Tensor, cos: Tensor, sin: Tensor, inplace: bool) -> None:
    """Raise what torch's functions raise for an `out` that cannot take the result;
    see `apply_rotary`."""
    if inplace:
        raise ValueError(
            "inplace=True writes into x, out= into another tensor; give one of the two"
        )
    _check_same("shape", tuple(out.shape), tuple(x.shape), ValueError)
    _check_same("dtype", out.dtype, x.dtype, TypeError)
    _check_same("device", out.device, x.device, ValueError)
    tensors = {"x": x, "cos": cos, "sin": sin}
    if torch.is_grad_enabled():
        for name, tensor in {**tensors, "out": out}.items():
            if tensor.requires_grad:
                raise RuntimeError(
                    f"out= records nothing for a gradient, but {name} asks for one; call it under torch.no_grad(), or "
                    "without out="
                )
    if tracing() is None and out.device.type != "meta":
        _check_memory(out, tensors)


def _check_same(property_name: str, value: object, of_x: object, error: type[Exception]) -> None:
    if value != of_x:
        raise error(f"out has {property_name} {value} and x {of_x}; it must have the same")


def _check_memory(out: Tensor, tensors: dict[str, Tensor]) -> None:
    """Raise ValueError where memory would be written that is still to be read, or written twice."""
    if type(out) not in PLAIN:
        return
    if overlap.folds(out):
        raise ValueError(
            f"out has shape {tuple(out.shape)} and strides {out.stride()}: elements of it share memory, and cannot be "
            "written each for itself"
        )
    for name, tensor in tensors.items():
        has_memory = type(tensor) in PLAIN and tensor.device == out.device
        if not has_memory or not overlap.meet(out, tensor):
            continue
        if name != "x" or not overlap.coincide(out, tensor):
            raise ValueError(
                f"out {tuple(out.shape)} shares memory with a part of {name} {tuple(tensor.shape)}, which is still to "
                "be read; give one of its own, or x itself"
            )
