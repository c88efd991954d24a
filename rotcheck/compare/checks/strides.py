"""Do transposed, sliced and expanded inputs give what the contiguous one gives?"""

from collections.abc import Iterator

import torch
from torch import Tensor

from rotcheck.measure.case import Case
from rotcheck.compare.checks.inputs import same_bits
from rotcheck.measure.evidence import Evidence
from rotcheck.measure.errors import SAME, Measured, measure, norms
from rotcheck.measure.subject import Subject

needs_values = True
MARGIN = 4  # lanes, rows and heads of NaN around a slice; even, as complex views ask

Variant = tuple[str, Tensor, Tensor | None]
"""Its name, the view to pass, and the buffer that it is a view of when that has a margin."""


def run(subject: Subject, case: Case) -> Evidence:
    """Measure each variant's result against the contiguous input's; look at the memory around the slice."""
    expected = case.read(subject.call(case.x(), case.tables()))  # (B, S, [3,] H, P, 2)
    worst: Measured | None = None
    for name, x, buffer in _variants(case):
        around = None if buffer is None else buffer.clone()
        result = subject.call(x, case.tables())
        reference = expected if name != "expanded" else _first_row(subject, case)
        found = measure(case.read(result), reference, norms(_pairs_of(case, name)), case.dtype)
        if found.not_finite or found.error > SAME:
            return Evidence(
                error=found.error,
                where=found.where,
                not_finite=found.not_finite,
                finding="strides",
                message=f"a {name} input gives other values than a contiguous one",
            )
        if buffer is not None and around is not None and not _margin_kept(case, buffer, around):
            return Evidence(finding="writes-outside", message=f"writes outside of a {name} input")
        worst = found if worst is None or found.error > worst.error else worst
    return Evidence(error=worst.error, where=worst.where) if worst else Evidence()


def _variants(case: Case) -> Iterator[Variant]:
    x = case.x()
    heads = x.dim() - 2
    yield "transposed", x.transpose(1, heads).contiguous().transpose(1, heads), None
    buffer = _with_margin(x)
    yield "sliced", _inside(buffer, x), buffer
    if not case.convention.in_place:  # several elements share memory: nothing can be written there
        yield "expanded", x[:1].expand(x.shape), None


def _with_margin(x: Tensor) -> Tensor:
    """Return NaN with x in the middle of its rows, heads and lanes."""
    shape = [
        size if axis in (0, x.dim() - 3) and axis != 1 else size + 2 * MARGIN
        for axis, size in enumerate(x.shape)
    ]
    buffer = torch.full(shape, torch.nan, dtype=x.dtype, device=x.device)
    _inside(buffer, x).copy_(x)
    return buffer


def _inside(buffer: Tensor, x: Tensor) -> Tensor:
    for axis, size in enumerate(x.shape):
        if buffer.shape[axis] != size:
            buffer = buffer.narrow(axis, MARGIN, size)
    return buffer


def _margin_kept(case: Case, buffer: Tensor, before: Tensor) -> bool:
    """Return whether everything around the slice still has its bits."""
    hollow = (buffer.clone(), before.clone())
    for one in hollow:
        _inside(one, case.x()).zero_()
    return same_bits(*hollow)


def _pairs_of(case: Case, variant: str) -> Tensor:
    return case.pairs[:1].expand(case.pairs.shape) if variant == "expanded" else case.pairs


def _first_row(subject: Subject, case: Case) -> Tensor:
    """The contiguous result for the input whose batch rows are all the first."""
    x = case.x()
    return case.read(subject.call(x[:1].expand(x.shape).contiguous(), case.tables()))
