"""The tensors that are rotated: inputs, tables and gradients in the form that a convention names."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.implementations.interface import Function
from rotcheck.rotary import angles, tables
from rotcheck.rotary.conventions import Convention

SEED = 20260101
DRAWN = 1 << 16


@dataclass(frozen=True, slots=True)
class Size:
    """What is timed: B, S, H and D of a packed qkv, its dtype and device, and whether gradients flow back."""

    batch: int
    length: int
    heads: int
    width: int
    dtype: torch.dtype
    device: torch.device
    backward: bool


class Problem:
    """The tensors of one implementation: packed qkv (B, S, 3, H, D), or q and k (B, S, H, D) each."""

    def __init__(self, convention: Convention, size: Size) -> None:
        generator = torch.Generator("cpu").manual_seed(SEED)
        packed = convention.layout == "qkv"
        shape = (size.batch, size.length, *((3,) if packed else ()), size.heads, size.width)
        self._inputs = [_random(shape, size, generator) for _ in range(1 if packed else 2)]
        self._gradients = [_random(shape, size, generator) for _ in self._inputs] if size.backward else []
        self._tables = _tables(convention, size)
        self.fresh = size.backward and convention.in_place  # each call needs inputs of its own
        for leaf in self._inputs:
            leaf.requires_grad_(size.backward)

    @property
    def bytes(self) -> int:
        """How many bytes its inputs hold."""
        return sum(tensor.nbytes for tensor in self._inputs)

    def inputs(self) -> list[Tensor]:
        """Return what one call is given.

        An in-place function may write into no leaf that wants a gradient: it gets a fresh copy for each call.
        """
        return [leaf.clone() for leaf in self._inputs] if self.fresh else self._inputs

    def forward(self, function: Function, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Rotate the inputs, one after another."""
        return [function(x, *self._tables) for x in inputs]

    def backward(self, function: Function, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Rotate the inputs and return the gradients that reach them; nothing accumulates."""
        results = self.forward(function, inputs)
        for at, (result, gradient) in enumerate(zip(results, self._gradients)):
            if gradient.dtype != result.dtype:  # it promotes; converted once, at the first call
                self._gradients[at] = gradient.to(result.dtype)
        return torch.autograd.grad(results, self._inputs, self._gradients)

    def copy(self, times: int) -> list[Tensor]:
        """Copy the inputs so many times, one after another, and return the last copies."""
        copies = [leaf.detach().clone() for leaf in self._inputs]
        return self.copy(times - 1) if times > 1 else copies


def _random(shape: Sequence[int], size: Size, generator: torch.Generator) -> Tensor:
    """Return normal values; large tensors repeat them, since drawing each would take longer than rotating."""
    count = math.prod(shape)
    drawn = torch.randn(min(count, DRAWN), generator=generator, dtype=torch.float32, device="cpu")
    values = drawn.to(size.dtype).to(size.device)
    return values.repeat(math.ceil(count / DRAWN))[:count].clone().view(*shape)


def _tables(convention: Convention, size: Size) -> tuple[Tensor, ...]:
    turns = angles(torch.arange(size.length, device="cpu"), size.width)  # (S, D/2)
    made = tables(convention.tables, convention.pairing, turns, size.dtype)
    return tuple(table.contiguous().to(size.device) for table in made)


def synchronizer(device: torch.device) -> Callable[[], None]:
    """Return what waits until the device has done all that was asked of it."""
    if device.type == "cpu":
        return lambda: None
    if device.type == "mps":
        return torch.mps.synchronize
    wait: Callable[[torch.device], None] = getattr(torch, device.type).synchronize
    return lambda: wait(device)
