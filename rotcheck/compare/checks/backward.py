"""Is the gradient the inverse rotation of what flows back?"""

import torch
from torch import Tensor

from rotcheck.measure.case import SEED, Case
from rotcheck.measure.evidence import Evidence
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.errors import SAME, Measured, against, is_rounding, measure, norms, worst_of
from rotcheck.measure.subject import CALLS, Subject, Wrong
from rotcheck.rotary import lanes

needs_values = True


def run(subject: Subject, case: Case) -> Evidence:
    """Send a random gradient back, three times, and measure what reaches the input."""
    generator = torch.Generator("cpu").manual_seed(SEED + 1)
    exact = torch.randn(case.pairs.shape, generator=generator, dtype=torch.float64, device="cpu")
    upstream = exact.to(case.dtype).double()  # (B, S, [3,] H, P, 2)
    expected = case.rotated(upstream, -case.angles)
    runs = [_once(subject, case, upstream) for _ in range(CALLS)]
    measured = [measure(gradient, expected, norms(upstream), case.dtype) for _, gradient in runs]
    at = worst_of(measured)
    worst, (result, gradient) = measured[at], runs[at]
    wide = case.dtype == torch.float64 and worst.error > SAME
    narrow = measure(gradient, expected, norms(upstream), torch.float32).error if wide else None
    wrong = worst.not_finite or not is_rounding(worst.error, narrow)
    code, words = _finding(case, worst, result) if wrong else (None, None)
    return Evidence(
        error=worst.error,
        error_float32=narrow,
        where=worst.where,
        not_finite=worst.not_finite,
        finding=code,
        message=words,
    )


def _finding(case: Case, gradient: Measured, result: Tensor) -> tuple[str, str]:
    """Return code and words for a wrong gradient: it may follow from a forward that is wrong itself."""
    unit = torch.float32 if case.dtype == torch.float64 else case.dtype
    if gradient.not_finite:
        return "not-finite", "the gradient has NaN or infinite elements"
    if against(case, result, case.truth, unit).error > SAME:
        code, words = explain(case, result)
        return code, f"the gradient is not the inverse rotation, since the forward {words}"
    return "gradient", "the gradient is not the inverse rotation of what flows back"


def _once(subject: Subject, case: Case, upstream: Tensor) -> tuple[Tensor, Tensor]:
    """Return the result, and the gradient as pairs."""
    leaf = case.x().requires_grad_()
    result = subject.call(leaf.clone() if case.convention.in_place else leaf, case.tables())
    if not result.requires_grad:
        raise Wrong("no-gradient", "the result carries no gradient: autograd does not see the rotation")
    with subject.running():
        # a vector given to grad() would have torch import sympy, which takes longer than all checks
        loss = (result * _back(case, upstream, result)).sum()
        (gradient,) = torch.autograd.grad(loss, leaf, allow_unused=True)
    if gradient is None:
        raise Wrong("no-gradient", "no gradient reaches the input: autograd does not see the rotation")
    return result, case.read(gradient)


def _back(case: Case, upstream: Tensor, result: Tensor) -> Tensor:
    return case.put(lanes(upstream, case.convention.pairing)).to(result.dtype)
