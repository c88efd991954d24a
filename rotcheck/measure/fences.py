"""Marked memory around the tensors that a kernel's code allocates:
a store without its mask shows, and does no harm.

Under the Triton interpreter a kernel runs in this process: a write past the end of a tensor kills
the process sooner or later, without an explanation.
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
    """Puts marked elements at both ends of every floating-point tensor that
    is allocated while it is active.

    Not a `TorchDispatchMode`: some functions fall back
    to torch's own operations when one is active.
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
        result = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") not in ALLOCATING or not _plain(result):
            return result
        buffer, inside = fence(result)
        self._buffers.append(buffer)
        return inside

    def is_crossed(self) -> bool:
        """Whether any of the marked elements was written."""
        return any(map(is_overwritten, self._buffers))


def fences() -> AbstractContextManager[Fences]:
    """Fences around the tensors that a call allocates;
    none unless Triton kernels are interpreted."""
    return Fences() if interprets() else nullcontext(Fences())


def _plain(x: Any) -> bool:
    """Whether it is a dense floating-point tensor without gradient."""
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.requires_grad:
        return False
    return 0 < x.numel() * x.element_size() == x.untyped_storage().nbytes()


def fence(x: Tensor, margin: int = MARGIN) -> tuple[Tensor, Tensor]:
    """A buffer with the elements of a dense tensor between marked ones, and the tensor in it."""
    buffer = x.new_full((x.numel() + 2 * margin,), MARK)
    # not a view of the buffer
    inside = x.new_empty(0).set_(buffer.untyped_storage(), margin, x.shape, x.stride())
    inside.copy_(x)
    return buffer, inside


def apart(x: Tensor) -> Tensor:
    """A copy with room on both sides, so that a kernel of this process can write past
    its ends without harm."""
    return fence(x, max(MARGIN, x.numel()))[1] if interprets() and x.numel() else x


def is_overwritten(buffer: Tensor, margin: int = MARGIN) -> bool:
    """Whether a marked element of a buffer was written."""
    return not bool((torch.cat((buffer[:margin], buffer[-margin:])) == MARK).all())
