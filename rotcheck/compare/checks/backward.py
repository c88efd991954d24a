"""Is the gradient the inverse rotation of what flows back?"""

import torch

from rotcheck.compare.case import SEED, Case
from rotcheck.compare.evidence import Evidence
from rotcheck.compare.measure import SAME, Measured, measure, norms
from rotcheck.compare.subject import CALLS, Subject, Wrong
from rotcheck.rotary import lanes

needs_values = True


def run(subject: Subject, case: Case) -> Evidence:
    """Send a random gradient back, three times, and measure what reaches the input."""
    generator = torch.Generator("cpu").manual_seed(SEED + 1)
    exact = torch.randn(case.pairs.shape, generator=generator, dtype=torch.float64, device="cpu")
    upstream = exact.to(case.dtype).double()  # (B, S, [3,] H, P, 2)
    expected = case.rotated(upstream, -case.angles)
    measured = [_once(subject, case, upstream, expected) for _ in range(CALLS)]
    worst = max(measured, key=lambda one: (one.not_finite, one.error))
    wide = case.dtype == torch.float64 and worst.error > SAME
    narrow = _once(subject, case, upstream, expected, torch.float32).error if wide else None
    wrong = worst.not_finite or (worst.error > SAME and (narrow is None or narrow > SAME))
    return Evidence(
        error=worst.error,
        error_float32=narrow,
        where=worst.where,
        not_finite=worst.not_finite,
        finding=_finding(worst) if wrong else None,
        message=_WORDS[_finding(worst)] if wrong else None,
    )


_WORDS = {
    "gradient": "the gradient is not the inverse rotation of what flows back",
    "not-finite": "the gradient has NaN or infinite elements",
}


def _finding(measured: Measured) -> str:
    return "not-finite" if measured.not_finite else "gradient"


def _once(
    subject: Subject,
    case: Case,
    upstream: torch.Tensor,
    expected: torch.Tensor,
    dtype: torch.dtype | None = None,
) -> Measured:
    leaf = case.x().requires_grad_()
    result = subject.call(leaf.clone() if case.convention.in_place else leaf, case.tables())
    if not result.requires_grad:
        raise Wrong("no-gradient", "the result carries no gradient: autograd does not see the rotation")
    with subject.running():
        loss = (result * _back(case, upstream, result)).sum()  # a vector to grad() would have torch import sympy
        (gradient,) = torch.autograd.grad(loss, leaf, allow_unused=True)
    if gradient is None:
        raise Wrong("no-gradient", "no gradient reaches the input: autograd does not see the rotation")
    return measure(case.read(gradient), expected, norms(upstream), dtype or case.dtype)


def _back(case: Case, upstream: torch.Tensor, result: torch.Tensor) -> torch.Tensor:
    return case.put(lanes(upstream, case.convention.pairing)).to(result.dtype)
