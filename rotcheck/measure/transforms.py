"""A function compared with what a transform of torch makes of it: the same inputs, the same values."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, measure, norms, with_position
from rotcheck.measure.subject import Subject


def compare(
    case: Case, results: Sequence[Tensor], plain: Sequence[Tensor], code: str, words: str
) -> Evidence:
    """Measure results (as the function returns them) against those of the plain function for the case's inputs."""
    return compare_pairs(case, case.read(results), case.read(plain), case.pairs, code, words)


def compare_pairs(
    case: Case, results: Slots, plain: Slots, inputs: Slots, code: str, words: str
) -> Evidence:
    """Measure pairs against those of the plain function for these inputs; `words`: the message if they differ."""
    off = measure(results, plain, norms(inputs), case.dtype, case.slack)
    wrong = off.error > ROUNDING_LIMIT or off.not_finite > 0
    return Evidence(
        error=off.error,
        where=with_position(case, off.where),
        not_finite=off.not_finite,
        finding=code if wrong else None,
        message=words if wrong else None,
    )


def untraceable_because(subject: Subject) -> str | None:
    """Why the function cannot be traced; None: it can."""
    if subject.no_trace:
        return subject.no_trace
    if isinstance(subject.function, (torch.jit.ScriptFunction, torch.jit.ScriptModule)):
        return "it is TorchScript already, which neither torch.compile nor torch.export looks into"
    if subject.interpreted:
        return "the Triton interpreter runs kernels in Python, which cannot be traced"
    return None
