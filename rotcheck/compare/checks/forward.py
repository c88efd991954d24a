"""Is the result the rotation? Against float64, with tables that rotcheck computed."""

import torch

from rotcheck.measure.case import Case
from rotcheck.measure.errors import SAME, Measured, against, is_rounding, worst_of
from rotcheck.measure.evidence import Evidence
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.subject import CALLS, Subject

needs_values = True


def run(subject: Subject, case: Case) -> Evidence:
    """Call it three times, each on fresh tensors, and measure the worst result against the truth."""
    results = [subject.call(case.call()) for _ in range(CALLS)]
    measured = [against(case, result, case.truth) for result in results]
    worst = worst_of(measured)
    found, result = measured[worst], results[worst]
    narrow = against(case, result, case.truth, torch.float32).error if case.dtype == torch.float64 else None
    code, words = None, None
    if found.not_finite:
        code, words = "not-finite", f"returns {found.not_finite} NaN or infinite elements"
    elif not is_rounding(found.error, narrow):
        right = _right_call(measured)
        code, words = explain(case, result) if right is None else ("not-repeatable", _unlike(worst, right))
    return Evidence(
        error=found.error,
        error_float32=narrow,
        where=found.where,
        not_finite=found.not_finite,
        finding=code,
        message=words,
        correctly_rounded=found.rounded_once,
    )


def _right_call(measured: list[Measured]) -> int | None:
    """Return a call that was right in the dtype's own steps, although another was not."""
    right = (at for at, call in enumerate(measured) if not call.not_finite and call.error <= SAME)
    return next(right, None)


def _unlike(wrong: int, right: int) -> str:
    return f"call {wrong + 1} gives wrong values, call {right + 1} right ones"
