"""One forward pass of a model, under the witness."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from rotcheck.model.config_holders import config_holders
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
    holders: Mapping[str, str] = field(default_factory=dict)  # of parts of its configuration


def run_forward(module: Module, inputs: Mapping[str, Any]) -> ForwardPass:
    """Call a model under the witness, without gradients where it has none on this device.

    Raises whatever the model raises.
    """
    try:
        witness, result = _witnessed(module, inputs)
    except NotImplementedError:  # flex_attention has no backward pass on a CPU
        if not torch.is_grad_enabled():
            raise
        with torch.no_grad():
            witness, result = _witnessed(module, inputs)
    positions = inputs.get("position_ids")
    return ForwardPass(witness, result, _length(inputs), positions, config_holders(module))


def _witnessed(module: Module, inputs: Mapping[str, Any]) -> tuple[Witness, Any]:
    with Witness(module) as witness:
        return witness, module(**inputs)


def dtype_of(module: Module) -> torch.dtype:
    """The dtype of most of a module's weights."""
    sizes = Counter[torch.dtype]()
    for weight in module.parameters():
        if weight.is_floating_point():
            sizes[weight.dtype] += weight.numel()
    return max(sizes, key=sizes.__getitem__, default=torch.float32)


def tensors_within(value: Any, depth: int = DEPTH) -> Iterator[Tensor]:
    """Yield the tensors of a value; of dicts, tuples and data classes in it too."""
    if isinstance(value, Tensor):
        yield value
    elif depth:
        for part in _parts(value):
            yield from tensors_within(part, depth - 1)


def _parts(value: Any) -> Iterable[Any]:
    """What a value holds: a dict, a tuple, a list, or a data class, of `attrs` too."""
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, tuple | list):
        return value
    if isinstance(value, type):
        return ()
    names = [*getattr(value, "__dataclass_fields__", ())]
    names += [field.name for field in getattr(value, "__attrs_attrs__", ())]
    return [getattr(value, name, None) for name in names]


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
