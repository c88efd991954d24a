"""The tensors that are rotated: inputs, tables and gradients, as a convention has them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rotcheck.convention import Convention, laid_positions, lay, split
from rotcheck.convention.calls import Call, arguments, results, sizes_of
from rotcheck.implementations.interface import Function
from rotcheck.rotary import angles
from rotcheck.rotary.tables import tables_of

SEED = 20260101
RANDOM_VALUES = 1 << 16


@dataclass(frozen=True, slots=True)
class Size:
    """What is timed: B, S, H and D of q, its dtype and device, and whether gradients flow back."""

    batch: int
    length: int
    heads: int
    width: int
    dtype: torch.dtype
    device: torch.device
    backward: bool
    key_heads: int | None = None  # of k; None: as many as q has, packed where a function packs them

    def heads_of(self, slot: int) -> int:
        """How many heads the first tensor (q) has, or one of the others."""
        return self.heads if slot == 0 or self.key_heads is None else self.key_heads


def mismatch(convention: Convention, size: Size) -> str | None:
    """Why a function cannot be timed with tensors of this size; None: it can."""
    fold = _fold_batch(convention, size)
    axes = split(convention.axes)
    if "b" not in axes and "h" not in axes:
        return "it takes one head of one sequence at a time"
    if size.key_heads is not None and (convention.is_packed or "h" not in axes):
        return "it takes q and k with equally many heads"
    if convention.head_dim not in (None, size.width):
        return f"it takes heads of {convention.head_dim} lanes, not of {size.width}"
    wrong = {fold.heads_of(0), fold.heads_of(1)} - {convention.heads}
    if convention.heads is not None and wrong:
        return f"it takes {convention.heads} heads, not {max(wrong)}"
    return None


def _fold_batch(convention: Convention, size: Size) -> Size:
    """The size with the batch among the heads for a call without batch, and the other way round."""
    axes, batch_heads = split(convention.axes), size.batch * size.heads
    if "b" not in axes:
        keys = size.key_heads and size.batch * size.key_heads
        return replace(size, batch=1, heads=batch_heads, key_heads=keys)
    return size if "h" in axes else replace(size, batch=batch_heads, heads=1)


class Workload:
    """The tensors of an implementation: packed qkv (B, S, 3, H, D), or q and k (B, S, H, D)."""

    def __init__(self, convention: Convention, full_size: Size) -> None:
        size = _fold_batch(convention, full_size)
        generator = torch.Generator("cpu").manual_seed(SEED)
        slots = (3,) if convention.is_packed else ()
        tensor_count = 1 if convention.is_packed else max(2, len(convention.slots))
        self._convention, self._size = convention, size
        self._inputs = [
            lay(
                _random(
                    (size.batch, size.length, *slots, size.heads_of(slot), size.width),
                    size,
                    generator,
                ),
                convention.axes,
            ).contiguous()
            for slot in range(tensor_count)
        ]
        self._gradients = (
            [_random(x.shape, size, generator) for x in self._inputs] if size.backward else []
        )
        self._tables = _tables(convention, size)
        self.fresh = size.backward and convention.in_place  # each call needs inputs of its own
        for leaf in self._inputs:
            leaf.requires_grad_(size.backward)

    @property
    def bytes(self) -> int:
        """How many bytes its inputs hold."""
        return sum(tensor.nbytes for tensor in self._inputs)

    def inputs(self) -> list[Tensor]:
        """What one call is given.

        An in-place function must not write into a leaf that requires a gradient: it gets a fresh
        copy for each call.
        """
        return [leaf.clone() for leaf in self._inputs] if self.fresh else self._inputs

    def forward(self, function: Function, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Rotate the inputs: all in one call, or one after another where it takes one."""
        if not self._convention.arguments and not self._convention.takes_offset:
            return [function(x, *self._tables) for x in inputs]
        if len(self._convention.slots) == 1:
            return [self._call(function, [x], slot)[0] for slot, x in enumerate(inputs)]
        return self._call(function, inputs)

    def _call(self, function: Function, inputs: Sequence[Tensor], slot: int = 0) -> list[Tensor]:
        """Call it with these inputs, the first of which stands in that slot."""
        size = self._size
        turning, heads = self._convention.rotary_dim or size.width, size.heads_of(slot)
        sizes = sizes_of(self._convention, size.batch, size.length, heads, size.width, turning)
        call = Call(tuple(inputs), self._tables, _positions(self._convention, size), 0, sizes)
        positional, keyword = arguments(self._convention, call)
        return list(results(function(*positional, **keyword), inputs, self._convention.in_place))

    def backward(self, function: Function, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Rotate the inputs; the gradients that reach them, without accumulating."""
        results = self.forward(function, inputs)
        for at, (result, gradient) in enumerate(zip(results, self._gradients)):
            if gradient.dtype != result.dtype:  # it promotes; converted once, at the first call
                self._gradients[at] = gradient.to(result.dtype)
        return torch.autograd.grad(results, self._inputs, self._gradients)

    def copy(self, times: int) -> list[Tensor]:
        """Copy the inputs so many times, one after another; the last copies."""
        copies = [leaf.detach().clone() for leaf in self._inputs]
        return self.copy(times - 1) if times > 1 else copies


def _random(shape: Sequence[int], size: Size, generator: torch.Generator) -> Tensor:
    """Normal values; large tensors repeat them, since drawing takes longer than rotating."""
    count = math.prod(shape)
    numbers = torch.randn(
        min(count, RANDOM_VALUES), generator=generator, dtype=torch.float32, device="cpu"
    )
    values = numbers.to(size.dtype).to(size.device)
    return values.repeat(math.ceil(count / RANDOM_VALUES))[:count].clone().view(*shape)


def _tables(convention: Convention, size: Size) -> tuple[Tensor, ...]:
    rows = torch.arange(size.length, device="cpu")
    # (B, S, P)
    turns = angles(rows, convention.rotary_dim or size.width).expand(size.batch, -1, -1)
    return tables_of(convention, turns, size.dtype, size.device)


def _positions(convention: Convention, size: Size) -> Tensor:
    rows = torch.arange(size.length, device=size.device)
    return laid_positions(rows, convention.position_axes, size.batch)


def synchronizer(device: torch.device) -> Callable[[], None]:
    """What waits until the device has done all its work."""
    if device.type == "cpu":
        return lambda: None
    if device.type == "mps":
        return torch.mps.synchronize
    wait: Callable[[torch.device], None] = getattr(torch, device.type).synchronize
    return lambda: wait(device)
