"""A Python call that has not ended, and its tensors as they were when it began."""

from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor

from rotcheck.witness.attention_kernels import KernelInputs
from rotcheck.witness.call_record import tensors_in
from rotcheck.witness.circular_tensors import CircularTensors
from rotcheck.witness.compiled_calls import ClosedCall
from rotcheck.witness.frame_operations import FrameOperations
from rotcheck.witness.tensor_values import is_wide

Marks = tuple[int, int, int, int]
"""How many calls, makers, idle ones and those without tables there were."""


class OpenCall:
    """The call, and what was done in it."""

    __slots__ = (
        "before", "closed_call", "first", "frame", "kernel", "marks", "operations", "owner", "values",
    )  # fmt: skip

    def __init__(
        self,
        frame: FrameType | None,
        values: Mapping[str, Any],
        before: Mapping[str, Any],
        owner: str,
        marks: Marks,
        first: int,
        closed_call: ClosedCall | None = None,
        kernel: KernelInputs | None = None,
        circles: CircularTensors | None = None,
    ) -> None:
        self.frame, self.values, self.before, self.owner = frame, values, before, owner
        self.operations = FrameOperations(circles)
        self.first = first  # how many calls had been numbered by then
        self.marks = marks  # when it began
        self.closed_call = closed_call  # it is of compiled code
        self.kernel = kernel  # it is of a kernel of attention

    @property
    def code(self) -> CodeType | None:
        """That of the function as it is written."""
        if self.closed_call is not None:
            return self.closed_call.function.__code__
        return self.frame.f_code if self.frame else None


def changes_in_place(record: OpenCall) -> Iterator[tuple[str, Tensor]]:
    """Yield the arguments that a call has written into, by their names."""
    before = {
        name + place: x for name, value in record.before.items() for place, x in tensors_in(value)
    }
    for name, value in record.values.items():
        for place, x in tensors_in(value):
            copy = before.get(name + place)
            if copy is not None and is_wide(x) and x is not copy and not torch.equal(x, copy):
                yield name + place, x
