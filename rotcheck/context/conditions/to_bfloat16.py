"""After `.to(torch.bfloat16)`, which casts complex buffers too."""

import torch

from rotcheck.context.measurement import Measurement
from rotcheck.context.specimen import Specimen

blames = "phase-cast"


def run(specimen: Specimen) -> Measurement:
    """Cast the module, and call it with tensors of that dtype."""
    instance = specimen.fresh()
    instance.module.to(torch.bfloat16)
    return Measurement(specimen.sweep(instance, torch.bfloat16))
