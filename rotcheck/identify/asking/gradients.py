"""Can one train with a function, and if not: is that by design, or a mistake?"""

import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.remarks import remark
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.kernels import Operations
from rotcheck.results import Remark

FOR_INFERENCE = (
    "rotates by a kernel that autograd does not see, and no gradient flows: it is for inference; "
    "wrap it in an autograd.Function to train"
)
BY_DATA = "writes its result into its input by `.data`: autograd does not see it, and gradients come back unrotated"
EVIDENCE = "the gradient of a sum"


def of_training(function: FunctionUnderTest, sizes: Sizes, *, in_place: bool) -> list[Remark]:
    """Say what autograd does not see: a choice of a kernel, and else a mistake."""
    message = unseen_by_autograd(function, sizes, in_place=in_place)
    if message == FOR_INFERENCE:
        return [remark("inference", message, EVIDENCE, mistake=False)]
    return [remark("writes-input", message, EVIDENCE, aspect="by data")] if message else []


def unseen_by_autograd(function: FunctionUnderTest, sizes: Sizes, *, in_place: bool) -> str | None:
    """The words for what autograd does not see, `FOR_INFERENCE` or `BY_DATA`; None: it sees all.

    A file that defines an autograd.Function is for training: there a kernel without one is judged
    by its gradient.
    """
    place = next(iter(function.cpu_first), function)
    call = Case(place, torch.float32, sizes).call()
    leaves = [x.requires_grad_() for x in call.inputs]
    call = call.of(*(x * 1.0 for x in leaves))
    operations = Operations((*call.inputs, *call.tables))
    try:
        with operations:
            outputs = place(call)
        if not _gradient_is_unrotated(outputs[0], leaves[0]):
            return None
    except Exception:  # it takes no tensor that asks for a gradient, and says so itself
        return None
    if not any(map(operations.has_computed, outputs)):
        return None if _is_for_training(place.function) else FOR_INFERENCE
    return BY_DATA if in_place and outputs[0].requires_grad else None


def _gradient_is_unrotated(output: Tensor, leaf: Tensor) -> bool:
    """Whether no gradient flows, or one that no rotation has turned."""
    if not output.requires_grad:
        return True
    (gradient,) = torch.autograd.grad(output.sum(), leaf)
    return torch.equal(gradient, torch.ones_like(gradient))


def _is_for_training(function: Callable[..., Any]) -> bool:
    """Whether the file of a function has an autograd.Function."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    owner = function if hasattr(function, "__name__") else type(function)
    module = sys.modules.get(getattr(owner, "__module__", None) or "")
    names = vars(module).values() if module else ()
    return any(
        isinstance(value, type) and issubclass(value, torch.autograd.Function) for value in names
    )
