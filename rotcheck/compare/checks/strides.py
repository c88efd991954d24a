"""Do transposed, sliced and expanded inputs give the same as contiguous ones?

Is the memory around a slice left alone?

Catches: kernels that ignore strides or offsets.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from rotcheck.compare.checks.inputs import same_bits
from rotcheck.measure.case import Case, Slots
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.outside_writes import OUTSIDE, outside
from rotcheck.measure.rounding_steps import Measurement, measure_pairs, norms
from rotcheck.measure.subject import Subject

level = "quick"
order = 50
MARGIN = 4  # lanes, rows and heads of NaN around a slice; even, as complex views ask

Variant = tuple[str, list[Tensor], list[Tensor]]
"""Its name, the views to pass, and the buffers that they are views of when those have a margin."""


def run(subject: Subject, case: Case) -> Evidence:
    """Hold each variant's result against the contiguous one; look at the memory around a slice."""
    call = case.call()
    truth = case.read(subject.call(call))  # (B, S, H, P, 2) each
    worst: Measurement | None = None
    for name, inputs, buffers in _variants(case):
        around = [buffer.clone() for buffer in buffers]
        results = subject.call(case.call().of(*inputs))
        reference, sizes = truth, case.norms
        if name == "expanded":
            reference, sizes = _first_row(subject, case)
        measurement = measure_pairs(case, case.read(results), reference, sizes)
        if not measurement.is_right:
            message = f"a {name} input gives different values from a contiguous one"
            return measurement.evidence("strides", message)
        if case.convention.in_place and not all(map(same_bits, inputs, results)):
            message = f"declared in place, but a {name} input does not hold the result"
            return Evidence(finding="not-in-place", message=message)
        if not all(map(_margin_kept, buffers, around, inputs)):
            return Evidence(finding=OUTSIDE, message=outside(f"a {name} input", "its strides"))
        worst = measurement if worst is None or measurement.error > worst.error else worst
    return worst.evidence() if worst else Evidence()


def _variants(case: Case) -> Iterator[Variant]:
    axes = case.convention.axes
    if "h" in axes:
        s, h = axes.index("s"), axes.index("h")
        yield "transposed", [_transpose(x, s, h) for x in case.inputs()], []
    buffers = [_with_margin(x, axes) for x in case.inputs()]
    yield "sliced", [_inside(buffer, x) for buffer, x in zip(buffers, case.inputs())], buffers
    # several elements share memory: nothing can be written there
    if "b" in axes and not case.convention.in_place:
        batch = axes.index("b")
        yield "expanded", [x.narrow(batch, 0, 1).expand(x.shape) for x in case.inputs()], []


def _transpose(x: Tensor, first: int, second: int) -> Tensor:
    return x.transpose(first, second).contiguous().transpose(first, second)


def _with_margin(x: Tensor, axes: str) -> Tensor:
    """A tensor of NaN with x in the middle of its rows, heads and lanes."""
    shape = [size + 2 * MARGIN * (axis in "shdef") for axis, size in zip(axes, x.shape)]
    buffer = torch.full(shape, torch.nan, dtype=x.dtype, device=x.device)
    _inside(buffer, x).copy_(x)
    return buffer


def _inside(buffer: Tensor, x: Tensor) -> Tensor:
    for axis, size in enumerate(x.shape):
        if buffer.shape[axis] != size:
            buffer = buffer.narrow(axis, MARGIN, size)
    return buffer


def _margin_kept(buffer: Tensor, before: Tensor, x: Tensor) -> bool:
    """Whether everything around the slice still has its bits."""
    hollow = (buffer.clone(), before.clone())
    for tensor in hollow:
        _inside(tensor, x).zero_()
    return same_bits(*hollow)


def _first_row(subject: Subject, case: Case) -> tuple[Slots, Slots]:
    """Contiguous results for inputs whose batch rows are all the first, and their pairs' norms."""
    slots = [slot[:1].expand(slot.shape) for slot in case.pairs]
    return case.read(subject.call(case.call().of(*case.inputs(slots)))), norms(slots)
