"""One forward and one backward pass of a model, under the witness."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from rotcheck.errors import first_line
from rotcheck.witness.call_record import map_tensors
from rotcheck.witness.witness import Witness

SIZES = 4  # of an image or a film: frames, height, width
DEPTH = 6  # of tuples and dicts in which tensors are looked for


@dataclass(frozen=True, slots=True)
class ForwardPass:
    """What was seen of one call of a model."""

    witness: Witness
    result: Any
    length: int  # tokens, or rows, of the sequence
    positions: Tensor | None  # (S,) or (B, S), those that the model was handed


def run_forward(module: Module, inputs: Mapping[str, Any]) -> ForwardPass:
    """Call a model under the witness. Raises whatever the model raises."""
    with Witness(module) as witness:
        result = module(**inputs)
    positions = inputs.get("position_ids")
    return ForwardPass(witness, result, _length(inputs), positions)


def moved(inputs: Mapping[str, Any], device: str, dtype: torch.dtype | None) -> dict[str, Any]:
    """The inputs of a model on a device; floating ones in the dtype, if one is given."""

    def move(tensor: Tensor) -> Tensor:
        return tensor.to(device, dtype if tensor.is_floating_point() else None)

    return {name: map_tensors(value, move) for name, value in inputs.items()}


def cast_module(module: Module, dtype: torch.dtype | None) -> Module:
    """A module with its floating weights and buffers in the dtype; None: in those that they have.

    Complex tables stay complex, which `module.to(dtype)` would make real.
    """
    casts = {torch.float32: "float", torch.bfloat16: "bfloat16", torch.float16: "half"}
    return module if dtype is None else getattr(module, casts[dtype])()


def dtype_of(module: Module) -> torch.dtype:
    """The dtype of most of a module's weights."""
    sizes = Counter[torch.dtype]()
    for weight in module.parameters():
        if weight.is_floating_point():
            sizes[weight.dtype] += weight.numel()
    return max(sizes, key=sizes.__getitem__, default=torch.float32)


def backward_fault(forward: ForwardPass, module: Module) -> str | None:
    """Words, if the model cannot be trained as it is; None: its gradient is there, and finite."""
    outputs = [
        y for y in tensors_within(forward.result) if y.is_floating_point() and y.requires_grad
    ]
    if not outputs:
        return "nothing that the model returns requires a gradient"
    loss = (outputs[0].float() * _weights(outputs[0])).sum()
    try:
        loss.backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        return f"its backward pass raises: {first_line(error)}"
    finally:
        gradients = [weight.grad for weight in module.parameters() if weight.grad is not None]
        module.zero_grad(set_to_none=True)
    if not gradients:
        return "no gradient reaches a parameter"
    if not all(bool(torch.isfinite(gradient).all()) for gradient in gradients):
        return "its gradient has NaN or infinite elements"
    return None


def _weights(y: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(y.shape, generator=generator).to(y.device)


def tensors_within(value: Any, depth: int = DEPTH) -> Iterator[Tensor]:
    """Yield the tensors of a value, of dicts and tuples in it too."""
    if isinstance(value, Tensor):
        yield value
    elif depth and isinstance(value, Mapping):
        for part in value.values():
            yield from tensors_within(part, depth - 1)
    elif depth and isinstance(value, tuple | list):
        for part in value:
            yield from tensors_within(part, depth - 1)


def _length(inputs: Mapping[str, Any]) -> int:
    """How many tokens go in: the last axis of integers, else the rows of values.

    Integers with a short last axis are the sizes of images.
    """
    tensors = list(tensors_within(inputs))
    for tensor in tensors:
        if not tensor.is_floating_point() and tensor.dim() >= 2 and tensor.shape[-1] > SIZES:
            return int(tensor.shape[-1])
    for tensor in tensors:
        if tensor.dim() in (2, 3) and tensor.is_floating_point():
            return int(tensor.shape[-2])
    return 0
