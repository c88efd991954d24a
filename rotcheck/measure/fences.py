"""The memory around tensors that a kernel's own code allocates: a store without its mask shows, and harms nobody.

Under the Triton interpreter a kernel runs in this process: what it writes behind a tensor ends the process, sooner or
later, and nobody learns why.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from rotcheck.implementations.triton_interpreter import interprets

MARGIN = 1024  # elements at both ends of a tensor
MARK = 512.0  # each of them
ALLOCATING = (
    *("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"),
    *("zeros", "zeros_like", "new_zeros", "full", "full_like", "ones_like", "clone"),
)


class Fences(TorchFunctionMode):
    """Gives every tensor of floating point that is allocated inside of it marked elements at both ends.

    No `TorchDispatchMode`: some functions leave their kernel for torch's own operations when one is active.
    """

    def __init__(self) -> None:
        super().__init__()
        self._buffers: list[Tensor] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        returned = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") not in ALLOCATING or not _plain(returned):
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


def _plain(x: Any) -> bool:
    """Return whether it is a dense tensor of floating point that no gradient goes through."""
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.requires_grad:
        return False
    return 0 < x.numel() * x.element_size() == x.untyped_storage().nbytes()


def fenced(x: Tensor, margin: int = MARGIN) -> tuple[Tensor, Tensor]:
    """Return a buffer with the elements of a dense tensor between marked ones, and the tensor in it."""
    buffer = x.new_full((x.numel() + 2 * margin,), MARK)
    inside = x.new_empty(0).set_(
        buffer.untyped_storage(), margin, x.shape, x.stride()
    )  # no view of the buffer
    inside.copy_(x)
    return buffer, inside


def apart(x: Tensor) -> Tensor:
    """Return a tensor where what a kernel writes beside it harms nobody, if kernels run in this process."""
    return fenced(x, max(MARGIN, x.numel()))[1] if interprets() and x.numel() else x


def spoilt(buffer: Tensor, margin: int = MARGIN) -> bool:
    """Return whether a marked element of a buffer was written."""
    return not bool((torch.cat((buffer[:margin], buffer[-margin:])) == MARK).all())
