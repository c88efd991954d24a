"""Does the result have the dtype, shape and device of the input?

Float32 for bfloat16 is only a note if the function declares nothing.

Catches: float32 results for bfloat16 inputs.
"""

import torch

from rotcheck.measure.case import Case
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.subject import CALLS, Subject

level = "quick"
order = 30
needs_values = False
CAST = "cast it back where attention takes q, k and v of one dtype (N13)"


def run(subject: Subject, case: Case) -> Evidence:
    """Call it three times; the result must have the input's dtype, with tables in the dtype it asks
    for.

    float32 for a narrower dtype, each time, is no mistake of a function that declares nothing: its
    model may cast it.
    """
    dtypes = [[result.dtype for result in subject.call(case.call())] for _ in range(CALLS)]
    for call, results in enumerate(dtypes):
        other_dtypes = [dtype for dtype in results if dtype != case.dtype]
        if other_dtypes and not subject.declares and _float32_throughout(case.dtype, dtypes):
            return Evidence(note=f"{_message(case, other_dtypes[0], 0)}: {CAST}")
        if other_dtypes:
            code = _finding(case.dtype, other_dtypes[0])
            return Evidence(finding=code, message=_message(case, other_dtypes[0], call))
    return Evidence()


def _float32_throughout(went_in: torch.dtype, came_out: list[list[torch.dtype]]) -> bool:
    distinct = {dtype for results in came_out for dtype in results}
    return went_in in (torch.bfloat16, torch.float16) and distinct == {torch.float32}


def _finding(went_in: torch.dtype, came_out: torch.dtype) -> str:
    return "promotes" if torch.promote_types(went_in, came_out) == came_out else "dtype-changed"


def _message(case: Case, came_out: torch.dtype, call: int) -> str:
    behind = f" on call {call + 1}" if call else ""
    return f"returned {str(came_out)[6:]} for {str(case.dtype)[6:]}{behind}"
