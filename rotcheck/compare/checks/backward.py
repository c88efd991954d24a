"""Is the gradient the inverse rotation of what flows back?

Catches: detached results, kernels with a wrong backward.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from rotcheck.compare.checks.inputs import BEHIND, unseen_by_autograd
from rotcheck.measure.case import SEED, Case, Slots
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.rounding_steps import (
    ROUNDING_LIMIT,
    Measurement,
    against,
    is_rounding,
    measure,
    norms,
    with_position,
    worst_of,
)
from rotcheck.measure.subject import CALLS, Subject, Wrong

level = "quick"
order = 20
needs_values = True
needs_gradient = True
HIDDEN_WRITE = "writes its result into its input behind autograd's back: the gradient is not that of the rotation"


def run(subject: Subject, case: Case) -> Evidence:
    """Send a random gradient back, three times, and measure what reaches the inputs."""
    # (B, S, H, P, 2) each
    upstream = tuple(slot.to(case.dtype).double() for slot in case.draw(SEED + 1))
    truth = case.rotated(upstream, -case.angles)
    runs = [_once(subject, case, upstream) for _ in range(CALLS)]
    sizes, slack = norms(upstream), case.slack
    measurements = [measure(gradient, truth, sizes, case.dtype, slack) for _, gradient, _ in runs]
    at = worst_of(measurements)
    worst, (results, gradient, hidden_write) = measurements[at], runs[at]
    wide = case.dtype == torch.float64 and worst.error > ROUNDING_LIMIT
    narrow = measure(gradient, truth, sizes, torch.float32, slack).error if wide else None
    wrong = worst.not_finite or not is_rounding(worst.error, narrow)
    code, words = _finding(case, worst, results, hidden_write) if wrong else (None, None)
    return Evidence(
        error=worst.error,
        error_float32=narrow,
        where=with_position(case, worst.where),
        not_finite=worst.not_finite,
        finding=code,
        message=words,
    )


def _finding(
    case: Case, gradient: Measurement, results: Sequence[Tensor], hidden_write: bool
) -> tuple[str, str]:
    """Code and message for a wrong gradient: it may follow from a forward that is wrong itself, or
    from a write into the input that autograd has not seen."""
    unit = torch.float32 if case.dtype == torch.float64 else case.dtype
    if gradient.not_finite:
        return "not-finite", "the gradient has NaN or infinite elements"
    if against(case, results, case.truth, unit).error > ROUNDING_LIMIT:
        code, words = explain(case, results)
        return (
            code,
            f"the gradient is not the inverse rotation, since the forward is wrong: {words}",
        )
    if hidden_write:
        return "writes-input", HIDDEN_WRITE
    return "gradient", "the gradient is not the inverse rotation of what flows back"


def _once(subject: Subject, case: Case, upstream: Slots) -> tuple[tuple[Tensor, ...], Slots, bool]:
    """Results, gradients as pairs, and whether it wrote into its input unseen by autograd."""
    call = case.call()
    leaves = [x.requires_grad_() for x in call.inputs]
    inputs = [leaf.clone() for leaf in leaves] if case.convention.in_place else leaves
    versions = [x._version for x in inputs]
    results = subject.call(call.of(*inputs))
    hidden_write = unseen_by_autograd(inputs, case.inputs(), versions)
    if hidden_write and not case.convention.in_place:
        raise Wrong("writes-input", BEHIND)
    if not all(result.requires_grad for result in results):
        raise Wrong(
            "no-gradient", "the result carries no gradient: autograd does not see the rotation"
        )
    back = case.backwards(upstream)
    with subject.running():
        # a vector given to grad() would have torch import sympy, which takes longer than all checks
        loss = sum((result * flow.to(result.dtype)).sum() for result, flow in zip(results, back))
        gradients = torch.autograd.grad(cast(Tensor, loss), leaves, allow_unused=True)
    if any(gradient is None for gradient in gradients):
        raise Wrong(
            "no-gradient", "no gradient reaches the input: autograd does not see the rotation"
        )
    return results, case.read_inputs(gradients), hidden_write
