"""A function compared with what a transform of torch makes of it:
the same inputs, the same values."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.rounding_steps import measure_pairs, norms
from rotcheck.measure.subject import Subject


def compare(
    case: Case, results: Sequence[Tensor], plain: Sequence[Tensor], code: str, message: str
) -> Evidence:
    """Measure results (as the function returns them)
    against those of the plain function for the case's inputs."""
    return compare_pairs(case, case.read(results), case.read(plain), case.pairs, code, message)


def compare_pairs(
    case: Case, results: Slots, plain: Slots, inputs: Slots, code: str, message: str
) -> Evidence:
    """Measure pairs against those of the plain function for these inputs;
    `message`: what is said if they differ."""
    off = measure_pairs(case, results, plain, norms(inputs))
    return off.evidence() if off.is_right else off.evidence(code, message)


def untraceable_because(subject: Subject) -> str | None:
    """Why the function cannot be traced; None: it can."""
    if subject.target.no_trace:
        return subject.target.no_trace
    if isinstance(subject.function, (torch.jit.ScriptFunction, torch.jit.ScriptModule)):
        return "it is TorchScript already, which neither torch.compile nor torch.export looks into"
    if subject.interpreted:
        return "the Triton interpreter runs kernels in Python, which cannot be traced"
    return None
