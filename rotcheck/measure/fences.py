"""The memory around tensors that a kernel's own code allocates: a store without its mask shows, and harms nobody.

Under the Triton interpreter a kernel runs in this process: what it writes behind a tensor ends the process, sooner or
later, and nobody learns why.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from rotcheck.implementations.interpreter import interprets

MARGIN = 1024  # elements at both ends of a tensor
MARK = 512.0  # each of them


class Fences(TorchDispatchMode):
    """Gives every tensor of floating point that is allocated inside of it marked elements at both ends."""

    def __init__(self) -> None:
        super().__init__()
        self._buffers: list[Tensor] = []

    def __torch_dispatch__(
        self,
        operator: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        returned = operator(*args, **(kwargs or {}))
        allocates = "empty" in str(operator) or "zeros" in str(operator)
        if not allocates or not returned.is_floating_point() or not _dense(returned):
            return returned
        buffer, inside = fenced(returned)
        self._buffers.append(buffer)
        return inside

    def crossed(self) -> bool:
        """Return whether any of the marked elements was written."""
        return any(map(spoilt, self._buffers))


def fences() -> AbstractContextManager[Fences]:
    """Return what watches the tensors that a call allocates; nothing where no Triton kernel is interpreted."""
    return Fences() if interprets() else nullcontext(Fences())


def _dense(x: Tensor) -> bool:
    return 0 < x.numel() * x.element_size() == x.untyped_storage().nbytes()


def fenced(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return a buffer with the elements of a dense tensor between marked ones, and the tensor in it."""
    buffer = x.new_full((x.numel() + 2 * MARGIN,), MARK)
    inside = buffer.as_strided(x.shape, x.stride(), MARGIN)
    inside.copy_(x)
    return buffer, inside


def spoilt(buffer: Tensor) -> bool:
    """Return whether a marked element of a buffer was written."""
    return not bool((torch.cat((buffer[:MARGIN], buffer[-MARGIN:])) == MARK).all())
