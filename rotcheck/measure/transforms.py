"""A function against what a transform of torch makes of it: the same inputs, the same values."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.evidence import Evidence
from rotcheck.measure.rounding_steps import SAME, measure, named, norms
from rotcheck.measure.subject import Subject


def compared(
    case: Case, found: Sequence[Tensor], plain: Sequence[Tensor], code: str, words: str
) -> Evidence:
    """Measure results (as the function returns them) against those of the plain function for the case's inputs."""
    return compared_pairs(case, case.read(found), case.read(plain), case.pairs, code, words)


def compared_pairs(
    case: Case, found: Slots, plain: Slots, inputs: Slots, code: str, words: str
) -> Evidence:
    """Measure pairs against those that the plain function gives for these inputs: `words` say how they differ."""
    off = measure(found, plain, norms(inputs), case.dtype, case.slack)
    wrong = off.error > SAME or off.not_finite > 0
    return Evidence(
        error=off.error,
        where=named(case, off.where),
        not_finite=off.not_finite,
        finding=code if wrong else None,
        message=words if wrong else None,
    )


def unseen(subject: Subject) -> str | None:
    """Return why nothing that traces Python can look into the function, or None."""
    if subject.no_trace:
        return subject.no_trace
    if isinstance(subject.function, (torch.jit.ScriptFunction, torch.jit.ScriptModule)):
        return "it is TorchScript already, which neither torch.compile nor torch.export looks into"
    if subject.interpreted:
        return "the Triton interpreter runs kernels in Python, which cannot be traced"
    return None
