"""After `.bfloat16()`."""

import torch

from rotcheck.context.condition_result import ConditionResult
from rotcheck.context.specimen import Specimen

blames = "phase-cast"


def run(specimen: Specimen) -> ConditionResult:
    """Cast the module, and call it with tensors of that dtype."""
    instance = specimen.fresh()
    instance.module.bfloat16()
    return ConditionResult(specimen.sweep(instance, torch.bfloat16))
