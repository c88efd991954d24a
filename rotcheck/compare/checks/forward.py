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
from rotcheck.measure.hypotheses import fault
from rotcheck.measure.rounding_steps import Measurement, against, worst_of
from rotcheck.measure.subject import CALLS, Subject

level = "quick"
order = 10


def run(subject: Subject, case: Case) -> Evidence:
    """Call it three times, the last as at inference; measure the worst against the truth."""
    results = [subject.call(case.call()) for _ in range(CALLS - 1)]
    with subject.through(_at_inference):
        results.append(subject.call(case.call()))
    measurements = [against(case, result, case.truth, or_float32=True) for result in results]
    worst = worst_of(measurements)
    measurement = measurements[worst]
    mistake = fault(case, results[worst], measurement)
    right = _right_call(measurements)
    if mistake and not measurement.not_finite and right is not None:
        mistake = _unlike(subject, case, worst, right)
    return measurement.evidence(*(mistake or ()), correctly_rounded=measurement.rounded_once)


def _right_call(measurements: list[Measurement]) -> int | None:
    """A call that was right in the dtype's own rounding steps, although another was not."""
    return next((at for at, call in enumerate(measurements) if call.is_right), None)


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
    if wrong == CALLS - 1 and against(case, subject.call(case.call()), case.truth).is_right:
        message = "gives wrong values under torch.no_grad() and in eval mode, right ones without"
        return "other-at-inference", message
    return "not-repeatable", f"call {wrong + 1} gives wrong values, call {right + 1} right ones"
