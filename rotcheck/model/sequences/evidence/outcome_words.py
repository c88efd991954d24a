"""From the differences of rows, and of what a model returns, to the outcome of a way."""

import torch
from torch import Tensor

from rotcheck.model.sequences.evidence.row_difference import SAME, SAME_NARROW
from rotcheck.model.turn_angles import NARROW

ROUNDED = 1e-3  # of the largest value: what float32 leaves of what a small model returns
ROUNDED_NARROW = 0.1


def same_angle(dtype: torch.dtype) -> float:
    """Radians: angles of this dtype that are nearer are the same."""
    return SAME_NARROW if dtype in NARROW else SAME


def output_note(way: Tensor, whole: Tensor) -> str:
    """Words, if what the model returns differs by more than rounding; empty: it does not."""
    if way.shape != whole.shape or not way.numel():
        return ""
    off = float((way - whole).abs().max() / whole.abs().max().clamp_min(1e-30))
    narrow = whole.dtype in NARROW
    if off <= (ROUNDED_NARROW if narrow else ROUNDED):
        return ""
    return f"what the model returns differs by {off:.2g} of its largest value"
