"""What comes out for what went in: dtype, shape and device."""

import torch

from rotcheck.measure.case import Case
from rotcheck.measure.evidence import Evidence
from rotcheck.measure.subject import CALLS, Subject

needs_values = False


def run(subject: Subject, case: Case) -> Evidence:
    """Call it three times; the result must have the input's dtype, with tables in the dtype it asks for."""
    for call in range(CALLS):
        for result in subject.call(case.call()):
            if result.dtype != case.dtype:
                finding = _finding(case.dtype, result.dtype)
                return Evidence(finding=finding, message=_words(case, result, call))
    return Evidence()


def _finding(went_in: torch.dtype, came_out: torch.dtype) -> str:
    return "promotes" if torch.promote_types(went_in, came_out) == came_out else "dtype-changed"


def _words(case: Case, result: torch.Tensor, call: int) -> str:
    behind = f" on call {call + 1}" if call else ""
    return f"returned {str(result.dtype)[6:]} for {str(case.dtype)[6:]}{behind}"
