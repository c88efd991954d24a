"""The native rotate_half under `torch.compile`; it compiles in its first call,
which takes seconds."""

from typing import Any

import torch

from rotcheck.implementations.builtin import native
from rotcheck.implementations.compile_support import lack
from rotcheck.implementations.interface import Function, Unavailable

convention = native.convention


def load(device: str) -> Function:
    """The function, to be compiled when it is called;
    then it raises `Unavailable` where nothing can be."""
    function: Function = torch.compile(native.apply)

    def apply(*args: Any) -> Any:
        try:
            return function(*args)
        except Exception as error:
            reason = lack(error, torch.device(device))
            if reason is None:
                raise
            raise Unavailable(reason) from error

    return apply
