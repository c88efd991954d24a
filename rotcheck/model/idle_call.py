"""A call that was handed tables and turned nothing: which known mistake is it, or what else?"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rotcheck.identify.reading.computed_angles import read_computed_angles
from rotcheck.measure import mistake_names
from rotcheck.model.lane_matrices import lane_matrices
from rotcheck.witness.call_record import CallRecord, map_tensors, tensors_in

KNOWN = {
    mistake_names.NOT_ROTATED[0], mistake_names.SIN_DROPPED[0], mistake_names.ONE_SIGN[0],
    mistake_names.ALIASING[0], mistake_names.OTHER_TABLES[0],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class IdleCall:
    """What a call does that is no rotation. `finding` is empty where it is not understood."""

    call: CallRecord
    argument: str
    finding: str
    message: str


def explain_idle(call: CallRecord, length: int) -> IdleCall | None:
    """Measure what a call does to each lane; None: it does not work on rows of lanes.

    Args:
        call: that was handed tables.
        length: tokens of the sequence.
    """
    for name, x in call.arguments.items():
        if name in call.table_arguments or not isinstance(x, Tensor) or not x.is_floating_point():
            continue
        matrix = _matrix(call, name, x, length)
        if matrix is None:
            continue
        reading = read_computed_angles(matrix)
        if reading.problem in KNOWN:
            return IdleCall(call, name, reading.problem, f"{name}: {reading.words}")
        words = (
            reading.words or "turns its pairs in a way that was not seen in the model's own call"
        )
        return IdleCall(call, name, "", f"{name}: {words}")
    return None


def has_zeros(call: CallRecord) -> bool:
    """Whether all values that a call was handed beside its tables are zeros."""
    values = [
        x
        for name, value in call.arguments.items()
        for place, x in tensors_in(value)
        if name + place not in call.table_arguments and x.is_floating_point()
    ]
    return bool(values) and not any(bool(x.any()) for x in values)


def uses_tables(call: CallRecord) -> bool:
    """Whether what a call returns depends on the tables that it was handed; True where that
    cannot be told, since it returns something else each time."""
    tables = {
        id(x)
        for name, value in call.arguments.items()
        for place, x in tensors_in(value)
        if name + place in call.table_arguments
    }

    def blank(x: Tensor) -> Tensor:
        return torch.zeros_like(x) if id(x) in tables else x

    changes = {name: map_tensors(value, blank) for name, value in call.arguments.items()}
    with torch.no_grad():
        first, second, with_others = call.call({}), call.call({}), call.call(changes)
    return not (_are_same(first, second) and _are_same(first, with_others))


def _are_same(first: Any, second: Any) -> bool:
    a, b = ([x for _, x in tensors_in(value)] for value in (first, second))
    return len(a) == len(b) and all(map(torch.equal, a, b))


def _matrix(call: CallRecord, name: str, x: Tensor, length: int) -> Tensor | None:
    """The matrices (S, D, D) of the rows of an argument; None: rows are mixed, or it is no sum."""
    if x.dim() < 3 or length not in x.shape[:-1]:
        return None
    axis = list(x.shape[:-1]).index(length)
    whole = lane_matrices(call, name, x)
    if whole is None:
        return None
    rows = whole.movedim(axis, 0)  # (S, ..., D, D)
    return rows.reshape(len(rows), -1, *whole.shape[-2:])[:, 0]
