"""Does `torch.export` accept it, and does the program give the same values?

Catches: control flow that depends on values, wrong paths behind `is_compiling()`.
"""

from typing import Any

import torch
from torch import Tensor

from rotcheck.implementations.interface import Function
from rotcheck.measure.case import Case
from rotcheck.measure.cell_evidence import Evidence, inapplicable
from rotcheck.measure.other_calls import refusal
from rotcheck.measure.subject import Subject
from rotcheck.measure.transforms import compare, untraceable_because

level = "full"
order = 70
traces = True
TORCH_ERRORS = (
    "SpecViolationError",
    "InternalTorchDynamoError",
)  # torch's own: it traced a graph it does not accept


def run(subject: Subject, case: Case) -> Evidence:
    """Export a module that calls it for fixed shapes, run it on fresh tensors, and measure."""
    reason = untraceable_because(subject)
    if reason:
        return inapplicable(reason)
    plain = subject.call(case.call())
    try:
        with subject.through(_export):
            results = subject.call(case.call())
    except Exception as error:
        reason = refusal(subject, error)
        if type(error).__name__ in TORCH_ERRORS:
            message = f"torch {torch.__version__} fails to export it, which is not the function's fault: {reason}"
            return inapplicable(message)
        message = f"torch.export does not take it: {reason}"
        return Evidence(finding="not-exportable", message=message)
    return compare(
        case, results, plain, code="exported", message="exported, it gives different values"
    )


class _Calls(torch.nn.Module):
    """A module whose forward is the function: what torch.export takes."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any, **keyword: Any) -> Any:
        """Call it."""
        return self.function(*args, **keyword)


def _export(function: Function) -> Function:
    def export_and_call(*args: Any, **keyword: Any) -> Tensor:
        fresh = [value.clone() if isinstance(value, Tensor) else value for value in args]
        program = torch.export.export(_Calls(function), tuple(fresh), keyword or None)
        result: Tensor = program.module()(*args, **keyword)
        return result

    return export_and_call
