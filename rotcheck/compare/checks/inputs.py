"""Are input and tables left alone, or written exactly as declared?

Does V come back bit for bit?

Catches: undeclared in-place writes, through `.data` too; V rotated as well.
"""

from collections.abc import Sequence

import torch
from msgspec import structs
from torch import Tensor

from rotcheck.measure.case import Case
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.device import fetch
from rotcheck.measure.subject import Subject

level = "quick"
order = 40
BEHIND = "writes into its input behind autograd's back: what saved it before gets a wrong gradient, in silence"
HIDDEN_WRITE = (
    "writes into its input without raising its version, as kernels do: autograd does not notice it"
)


def run(subject: Subject, case: Case) -> Evidence:
    """Compare inputs, tables and V with copies taken before the call, bit by bit."""
    call, before = case.call(), case.call()
    versions = [x._version for x in call.inputs]
    results = subject.call(call)
    hidden_write = unseen_by_autograd(call.inputs, before.inputs, versions)
    keeps_input = not case.convention.in_place
    if not all(map(same_bits, call.tables, before.tables)):
        return Evidence(finding="writes-tables", message="writes into its cos and sin tables")
    if keeps_input and not all(map(same_bits, call.inputs, before.inputs)):
        message = BEHIND if hidden_write else "writes into its input, which it should leave alone"
        return Evidence(finding="writes-input", message=message)
    if not keeps_input and not all(map(same_bits, call.inputs, results)):
        message = "declared in place, but its input does not hold the result"
        return Evidence(finding="not-in-place", message=message)
    if "v" not in case.convention.slots:
        return Evidence(note=HIDDEN_WRITE if hidden_write and not subject.no_gradient else None)
    if not all(result.isfinite().all() for result in results):
        return Evidence(finding="not-finite", message="returns NaN or infinite elements")
    evidence = _of_v(case.value(results), case.value(before.inputs))
    note = HIDDEN_WRITE if hidden_write and not evidence.finding else None
    return structs.replace(evidence, note=note)


def unseen_by_autograd(
    inputs: Sequence[Tensor], before: Sequence[Tensor], versions: Sequence[int]
) -> bool:
    """Whether an input has other bits than before, but not the version that autograd looks at."""
    triples = zip(inputs, before, versions)
    return any(x._version == version and not same_bits(x, was) for x, was, version in triples)


def _of_v(result: Tensor, v: Tensor) -> Evidence:
    """Judge whether V came back, in whatever dtype: that is the question of `dtype`."""
    for dtype in (v.dtype, torch.float32, torch.float16, torch.bfloat16):
        if same_bits(result.to(v.dtype), v.to(dtype).to(v.dtype)):
            if dtype in (v.dtype, torch.float32):
                return Evidence()
            message = f"V comes back rounded to {str(dtype)[6:]}"
            return Evidence(finding="low-precision", message=message)
    return Evidence(finding="v-changed", message="V does not come back bit for bit")


def same_bits(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors have the same dtype, shape and bits; NaN equal themselves."""
    if first.dtype != second.dtype or first.shape != second.shape:
        return False
    ours, theirs = fetch(first), fetch(second)
    if ours.is_complex():
        ours, theirs = torch.view_as_real(ours), torch.view_as_real(theirs)
    return torch.equal(ours.view(torch.uint8), theirs.view(torch.uint8))
