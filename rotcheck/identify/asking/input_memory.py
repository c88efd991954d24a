"""Does a function write into the tensors that it is handed, by design or by mistake?"""

import torch
from torch import Tensor

from rotcheck.identify.asking.function_under_test import Fault, FunctionUnderTest
from rotcheck.measure.case import USUAL, Case, Sizes


def writes(function: FunctionUnderTest, sizes: Sizes = USUAL) -> tuple[bool, Fault | None]:
    """Whether the result is written into the input, and what is written that should not be."""
    case = Case(function, torch.float32, sizes)
    call, before = case.call(), case.call()
    outputs = function(call)
    changes = [not torch.equal(now, then) for now, then in zip(call.inputs, before.inputs)]
    if not all(map(torch.equal, call.tables, before.tables)):
        return False, ("writes-tables", "writes into its cos and sin tables")
    if not any(changes):
        return False, None
    if not all(torch.equal(x, output) for x, output in zip(call.inputs, outputs)):
        return False, ("writes-input", "writes into its input, and not the result")
    if not all(map(_share_memory, call.inputs, outputs)):
        return True, ("writes-input", "overwrites its input and returns a new tensor beside it")
    return True, None


def _share_memory(first: Tensor, second: Tensor) -> bool:
    return first.untyped_storage().data_ptr() == second.untyped_storage().data_ptr()
