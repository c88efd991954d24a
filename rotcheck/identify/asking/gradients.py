"""Can one train with a function, and where not: is that its design, as of a kernel for inference, or a mistake?"""

import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rotcheck.identify.asking import judged_function
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.kernels import Operations

FOR_INFERENCE = (
    "rotates by a kernel that autograd does not see, and no gradient flows: it is for inference; "
    "wrap it in an autograd.Function to train"
)
BY_DATA = "writes its result into its input by `.data`: autograd does not see it, and gradients come back unrotated"


def unseen(asked: judged_function.Function, sizes: Sizes, *, in_place: bool) -> str | None:
    """Return the words for what autograd does not see, `FOR_INFERENCE` or `BY_DATA`; None where it sees all.

    A file that defines an autograd.Function is for training: there a kernel without one is judged by its gradient.
    """
    own = next(iter(asked.first), asked)
    call = Case(own, torch.float32, sizes).call()
    leaves = [x.requires_grad_() for x in call.inputs]
    given = call.of(*(x * 1.0 for x in leaves))
    operations = Operations((*given.inputs, *given.tables))
    try:
        with operations:
            results = own(given)
        if not _as_it_came(results[0], leaves[0]):
            return None
    except Exception:  # it takes no tensor that asks for a gradient: it says so itself
        return None
    if not any(map(operations.has_computed, results)):
        return None if _trains(own.function) else FOR_INFERENCE
    return BY_DATA if in_place and results[0].requires_grad else None


def _as_it_came(result: Tensor, leaf: Tensor) -> bool:
    """Return whether no gradient flows, or one that no rotation has turned."""
    if not result.requires_grad:
        return True
    (gradient,) = torch.autograd.grad(result.sum(), leaf)
    return torch.equal(gradient, torch.ones_like(gradient))


def _trains(function: Callable[..., Any]) -> bool:
    """Return whether the file of a function has an autograd.Function."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    owner = function if hasattr(function, "__name__") else type(function)
    module = sys.modules.get(getattr(owner, "__module__", None) or "")
    names = vars(module).values() if module else ()
    return any(isinstance(one, type) and issubclass(one, torch.autograd.Function) for one in names)
