"""Is the gradient the inverse rotation of what flows back?

Catches: detached results, kernels with a wrong backward.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from rotcheck.compare.checks.inputs import BEHIND, unseen_by_autograd
from rotcheck.compare.gradient_flow import check_gradients, check_graph, differentiable_call
from rotcheck.measure.case import SEED, Case, Slots
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.rounding_steps import (
    ROUNDING_LIMIT,
    Measurement,
    against,
    measure_pairs,
    norms,
    worst_of,
)
from rotcheck.measure.subject import CALLS, Subject, Wrong

level = "quick"
order = 20
needs_gradient = True
HIDDEN_WRITE = "writes its result into its input behind autograd's back: the gradient is not that of the rotation"


def run(subject: Subject, case: Case) -> Evidence:
    """Send a random gradient back, three times, and measure what reaches the inputs."""
    # (B, S, H, P, 2) each
    upstream = tuple(slot.to(case.dtype).double() for slot in case.draw(SEED + 1))
    truth = case.rotated(upstream, -case.angles)
    runs = [_once(subject, case, upstream) for _ in range(CALLS)]
    measurements = [
        measure_pairs(case, gradient, truth, norms(upstream), or_float32=True)
        for _, gradient, _ in runs
    ]
    at = worst_of(measurements)
    worst, (results, _, hidden_write) = measurements[at], runs[at]
    if worst.is_rounding:
        return worst.evidence()
    return worst.evidence(*_finding(case, worst, results, hidden_write))


def _finding(
    case: Case, gradient: Measurement, results: Sequence[Tensor], hidden_write: bool
) -> tuple[str, str]:
    """Code and message for a wrong gradient: it may follow from a forward that is wrong itself, or
    from a write into the input that autograd has not seen."""
    unit = torch.float32 if case.dtype == torch.float64 else case.dtype
    if gradient.not_finite:
        return "not-finite", "the gradient has NaN or infinite elements"
    if against(case, results, case.truth, unit).error > ROUNDING_LIMIT:
        code, message = explain(case, results)
        cause = "the gradient is not the inverse rotation, since the forward is wrong"
        return code, f"{cause}: {message}"
    if hidden_write:
        return "writes-input", HIDDEN_WRITE
    return "gradient", "the gradient is not the incoming gradient, rotated back"


def _once(subject: Subject, case: Case, upstream: Slots) -> tuple[tuple[Tensor, ...], Slots, bool]:
    """Results, gradients as pairs, and whether it wrote into its input unseen by autograd."""
    leaves, call = differentiable_call(case)
    versions = [x._version for x in call.inputs]
    results = subject.call(call)
    hidden_write = unseen_by_autograd(call.inputs, case.inputs(), versions)
    if hidden_write and not case.convention.in_place:
        raise Wrong("writes-input", BEHIND)
    check_graph(results)
    back = case.backwards(upstream)
    with subject.running():
        # a vector given to grad() would have torch import sympy, which takes longer than all checks
        loss = sum((result * flow.to(result.dtype)).sum() for result, flow in zip(results, back))
        gradients = torch.autograd.grad(cast(Tensor, loss), leaves, allow_unused=True)
    return results, case.read_inputs(check_gradients(gradients)), hidden_write
