"""With `torch.set_float32_matmul_precision("high")`, emulated where the device has no TF32."""

import contextlib

import torch

from rotcheck.context import tf32
from rotcheck.context.evidence import Evidence
from rotcheck.context.trial import Trial

blames = "phase-tf32"


def run(trial: Trial) -> Evidence:
    """Ask it while matrix products may round their operands."""
    made = trial.fresh()
    torch.set_float32_matmul_precision("high")
    real = tf32.native(torch.device(trial.device))
    with contextlib.nullcontext() if real else tf32.Emulated():
        return Evidence(trial.sweep(made), emulated=not real)
