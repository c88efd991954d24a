"""The first call of a model that runs, tried on copies of it."""

import copy
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from rotcheck.model.build.build_error import BuildError, reason
from rotcheck.model.build.precision import moved

Inputs = Mapping[str, Any]
MOST_REASONS = 2  # that a message lists


def first_that_runs(
    module: torch.nn.Module, calls: Iterable[Inputs], dtype: torch.dtype | None = None
) -> Inputs:
    """The first of several calls that a copy of a module takes; the module itself stays as it is.

    Floating inputs are in the dtype, if one is given.

    Raises `BuildError` with the first reasons.
    """
    reasons: dict[str, str] = {}
    for call in calls:
        inputs = moved(call, dtype)
        problem = run_once(copy_of(module), copy.deepcopy(dict(inputs)))
        if problem is None:
            return inputs
        reasons.setdefault(problem, f"with {', '.join(inputs)}: {problem}")
    texts = list(reasons.values())[:MOST_REASONS]
    raise BuildError("; ".join(texts) or "no inputs are known for its forward")


def copy_of(module: torch.nn.Module) -> torch.nn.Module:
    """A copy of a module that shares its parameters, which a forward pass leaves as they are."""
    memo = {id(parameter): parameter for parameter in module.parameters()}
    return copy.deepcopy(module, memo)


def run_once(module: torch.nn.Module, inputs: Inputs) -> str | None:
    """Why a call of a module fails; None: it runs."""
    state = torch.get_rng_state()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module(**inputs)
    except Exception as error:  # a stranger's forward may raise anything; it is the answer
        return reason(error)
    finally:
        torch.set_rng_state(state)
    return None
