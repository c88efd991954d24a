"""The native rotate_half under `torch.jit.script`, with the executor
that torch chooses by default."""

import warnings

import torch

from rotcheck.implementations.builtin import native
from rotcheck.implementations.interface import Function

convention = native.convention


def load(device: str) -> Function:
    """The scripted function; scripting starts anew in each process."""
    with warnings.catch_warnings():
        # torch 2.9 and newer call torch.jit deprecated
        warnings.simplefilter("ignore", DeprecationWarning)
        function: Function = torch.jit.script(native.apply)
    return function
