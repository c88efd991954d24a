"""After `.to(torch.bfloat16)`, which casts complex buffers too."""

import torch

from rotcheck.context.condition_result import ConditionResult
from rotcheck.context.specimen import Specimen

blames = "phase-cast"


def run(specimen: Specimen) -> ConditionResult:
    """Cast the module, and call it with tensors of that dtype."""
    return specimen.cast(lambda module: module.to(torch.bfloat16), torch.bfloat16)
