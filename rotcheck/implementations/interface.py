"""What a module must have to be an implementation; there is nothing to import or to inherit."""

from collections.abc import Callable
from typing import Any, Protocol

from rotcheck.convention import Convention

Function = Callable[..., Any]
"""f(x, *tables) or, where the convention says so, f(x, *tables, offset=k): rotated x, same shape.

`arguments` of a convention name other calls; a function given several tensors returns as many.
"""


class Unavailable(Exception):
    """The implementation is not on this machine, or not for this device; the message says why."""


class Implementation(Protocol):
    """The names that rotcheck looks up in an implementation's module.

    The module's docstring says what it is. Optional names: `path() -> tuple[str, str]`, after a
    call, which code really ran and why, when that is not the implementation itself;
    `skip(device, dtype) -> str | None`, a reason not to run a dtype there; `no_gradient` and
    `no_trace`, why it is not differentiated or not traced by design; `triton = True` when it is a
    Triton kernel and so can run on the `interpreter` stand-in; `switches`, the process-wide
    switches that it changes by design.
    """

    @property
    def convention(self) -> Convention:
        """What it does by design."""

    def load(self, device: str) -> Function:
        """The function to call on this device ("cpu", "cuda:0", "meta", "interpreter").

        Raises `Unavailable` when it is not here, as the function may when it is called;
        whatever else they raise is a finding.
        """
