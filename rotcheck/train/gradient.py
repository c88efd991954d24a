"""How far a gradient is from the float64 one, in figures."""

import math
from collections.abc import Mapping

import msgspec
import torch
from torch import Tensor, nn

from rotcheck.measure.device import read_back

Gradient = Mapping[str, Tensor]
"""The gradient of each parameter by name, in float64 on the CPU."""

NOTHING = 1e-12  # of the whole gradient's norm: a parameter with less has no gradient to speak of


class Agreement(msgspec.Struct, frozen=True):
    """Relative errors of a gradient, beside what rounding alone does at the same weights."""

    gradient_error: float  # |g - g64| / |g64| over all parameters; NaN where the gradient is
    rounding: float  # the same of the yardstick
    tensor: str  # the parameter that is furthest off, by what rounding does to it
    tensor_error: float
    tensor_rounding: float  # of the yardstick, in this parameter or over all, whichever is larger


def gradient_of(module: nn.Module) -> Gradient:
    """Read the gradients back; a parameter that none reached has a gradient of 0."""
    return {
        name: read_back(torch.zeros_like(parameter) if parameter.grad is None else parameter.grad)
        for name, parameter in module.named_parameters()
    }


def norm(gradient: Gradient) -> float:
    """The norm over all parameters."""
    return math.sqrt(sum(float(part.square().sum()) for part in gradient.values()))


def agreement(
    gradient: Gradient, yardstick: Gradient, exact: Gradient, dtype: torch.dtype
) -> Agreement:
    """Compare a gradient and the yardstick's with the float64 one.

    Each parameter is held against its own norm, so that a wrong gradient of one small matrix is not
    hidden by large right ones. What rounding explains is never taken as less than one rounding
    step.
    """
    error, rounding = _error(gradient, exact), max(_error(yardstick, exact), torch.finfo(dtype).eps)
    whole = norm(exact)
    errors = {
        name: (_error_in(name, gradient, exact), max(_error_in(name, yardstick, exact), rounding))
        for name, part in exact.items()
        if float(part.norm()) > NOTHING * whole
    }
    worst = max(errors, key=lambda name: _nan_first(errors[name][0] / errors[name][1]))
    return Agreement(error, rounding, worst, *errors[worst])


def _error(gradient: Gradient, exact: Gradient) -> float:
    return norm({name: gradient[name] - exact[name] for name in exact}) / norm(exact)


def _error_in(name: str, gradient: Gradient, exact: Gradient) -> float:
    return float((gradient[name] - exact[name]).norm() / exact[name].norm())


def _nan_first(value: float) -> float:
    return math.inf if math.isnan(value) else value
