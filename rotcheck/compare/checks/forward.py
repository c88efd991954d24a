"""Is the result the rotation, within rounding?

Three calls are compared with float64, the third under `torch.no_grad()` and, for a module, in eval
mode.

Catches: wrong pairing, sign or theta, sin dropped, aliasing, a fuser that fails on the second call,
another path at inference.
"""

from typing import Any

import torch

from rotcheck.implementations.interface import Function
from rotcheck.measure.case import Case
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.rounding_steps import (
    ROUNDING_LIMIT,
    Measurement,
    against,
    error_in_float32,
    is_rounding,
    worst_of,
)
from rotcheck.measure.subject import CALLS, Subject

level = "quick"
order = 10
needs_values = True


def run(subject: Subject, case: Case) -> Evidence:
    """Call it three times, the last as at inference; measure the worst against the truth."""
    results = [subject.call(case.call()) for _ in range(CALLS - 1)]
    with subject.through(_at_inference):
        results.append(subject.call(case.call()))
    measurements = [against(case, result, case.truth) for result in results]
    worst = worst_of(measurements)
    measurement, result = measurements[worst], results[worst]
    narrow = error_in_float32(case, result)
    code, words = None, None
    if measurement.not_finite:
        code, words = "not-finite", f"returns {measurement.not_finite} NaN or infinite elements"
    elif not is_rounding(measurement.error, narrow):
        right = _right_call(measurements)
        code, words = (
            explain(case, result) if right is None else _unlike(subject, case, worst, right)
        )
    return Evidence(
        error=measurement.error,
        error_float32=narrow,
        where=measurement.where,
        not_finite=measurement.not_finite,
        finding=code,
        message=words,
        correctly_rounded=measurement.rounded_once,
    )


def _right_call(measurements: list[Measurement]) -> int | None:
    """A call that was right in the dtype's own rounding steps, although another was not."""
    right = (
        at
        for at, call in enumerate(measurements)
        if not call.not_finite and call.error <= ROUNDING_LIMIT
    )
    return next(right, None)


def _at_inference(function: Function) -> Function:
    """The function as called at inference: without gradients, and a module in eval mode."""
    owner = getattr(function, "__self__", function)
    module = owner if isinstance(owner, torch.nn.Module) and owner.training else None

    def at_inference(*arguments: Any, **keyword: Any) -> Any:
        try:
            if module is not None:
                module.eval()
            with torch.no_grad():
                return function(*arguments, **keyword)
        finally:
            if module is not None:
                module.train()

    return at_inference


def _unlike(subject: Subject, case: Case, wrong: int, right: int) -> tuple[str, str]:
    """The finding of a call that is wrong where another is right, and what sets it apart."""
    if (
        wrong == CALLS - 1
        and _right_call([against(case, subject.call(case.call()), case.truth)]) is not None
    ):
        return (
            "other-at-inference",
            "gives wrong values under torch.no_grad() and in eval mode, right ones without",
        )
    return "not-repeatable", f"call {wrong + 1} gives wrong values, call {right + 1} right ones"
