"""A copy of a model, which may be cast or wrapped without a trace in the model itself."""

import copy

from torch.nn import Module

from rotcheck.errors import first_line
from rotcheck.model.sequences.way import WayClosed


def module_copy(module: Module) -> Module:
    """Copy a module. Raises `WayClosed` for one that cannot be copied."""
    memo = {id(x): x.detach().clone() for x in module.buffers() if x.grad_fn is not None}
    try:
        return copy.deepcopy(module, memo)  # caches that a pass with gradients wrote are no leaves
    except Exception as error:  # a stranger's module may hold anything
        raise WayClosed(f"the model cannot be copied: {first_line(error)}") from error
