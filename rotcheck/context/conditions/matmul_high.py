"""With `torch.set_float32_matmul_precision("high")`, emulated where the device has no TF32."""

import contextlib

import torch

from rotcheck.context import tf32
from rotcheck.context.condition_result import ConditionResult
from rotcheck.context.specimen import Specimen

blames = "phase-tf32"


def run(specimen: Specimen) -> ConditionResult:
    """Measure it while matrix products may round their operands."""
    target = specimen.fresh()
    torch.set_float32_matmul_precision("high")
    real = tf32.has_tf32(torch.device(specimen.device))
    with contextlib.nullcontext() if real else tf32.TF32Emulation():
        return ConditionResult(specimen.sweep(target), emulated=not real)
