"""Inside a worker that times or trains: the convention of a function that was given, found out there and then."""

import torch

from rotcheck.identify import describe
from rotcheck.implementations.interface import Function
from rotcheck.implementations.load import Target
from rotcheck.rotary.conventions import Convention


def convention_of(function: Function) -> Convention | None:
    """Return how a function is called and what it does, found on the CPU; None: no call gave back a rotation."""
    found = describe.identified(Target(function, None), torch.device("cpu"))
    return found.convention if found.told.convention else None
