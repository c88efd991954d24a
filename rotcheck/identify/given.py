"""Inside a worker that times or trains: the convention of a function that was given, found out there and then."""

import torch

from rotcheck.identify import describe
from rotcheck.identify.templates import templates
from rotcheck.implementations.interface import Function
from rotcheck.implementations.load import Target
from rotcheck.rotary.conventions import Convention

SEDD = ("qkv", "cos", "sin")


def convention_of(function: Function) -> Convention | None:
    """Return how a function is called and what it does, found on the CPU; None: no call gave back a rotation.

    One of `qkv`, `cos` and `sin` says by these names that it has SEDD's form, and is spared the hundred calls: None.
    """
    if templates(function)[:1] == [SEDD]:
        return None
    found = describe.identified(Target(function, None), torch.device("cpu"))
    return found.convention if found.told.convention else None
