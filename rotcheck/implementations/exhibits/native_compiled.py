"""The native rotate_half under `torch.compile`; it compiles in its first call, which takes seconds."""

import torch

from rotcheck.implementations import native
from rotcheck.implementations.interface import Function

convention = native.convention


def load(device: str) -> Function:
    """Return the function, to be compiled when it is called."""
    compiled: Function = torch.compile(native.apply)
    return compiled
