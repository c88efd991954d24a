"""After `.bfloat16()`."""

import torch

from rotcheck.context.evidence import Evidence
from rotcheck.context.trial import Trial

blames = "phase-cast"


def run(trial: Trial) -> Evidence:
    """Cast the module, and show it tensors of that dtype."""
    made = trial.fresh()
    made.module.bfloat16()
    return Evidence(trial.sweep(made, torch.bfloat16))
