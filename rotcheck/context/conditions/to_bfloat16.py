"""After `.to(torch.bfloat16)`, which casts complex buffers too."""

import torch

from rotcheck.context.evidence import Evidence
from rotcheck.context.trial import Trial

blames = "phase-cast"


def run(trial: Trial) -> Evidence:
    """Cast the module, and show it tensors of that dtype."""
    made = trial.fresh()
    made.module.to(torch.bfloat16)
    return Evidence(trial.sweep(made, torch.bfloat16))
