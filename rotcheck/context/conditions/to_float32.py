"""After `.to(torch.float32)`, which should do nothing, and makes complex buffers real."""

import torch

from rotcheck.context.evidence import Evidence
from rotcheck.context.trial import Trial

blames = "phase-cast"


def run(trial: Trial) -> Evidence:
    """Cast the module, and show it tensors of that dtype."""
    made = trial.fresh()
    made.module.to(torch.float32)
    return Evidence(trial.sweep(made, torch.float32))
