"""Calls a function as a convention says, and returns its results as (B, S, H, D)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import Convention, laid_positions, lanes, lay, pairs, split, unlay
from rotcheck.convention.calls import Call, arguments, results
from rotcheck.convention.table_forms import with_slots
from rotcheck.identify.reading.probe_sizes import ProbeSizes, probe_tables, random_values
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.device import call, read_back
from rotcheck.measure.fences import fence, fences, is_overwritten
from rotcheck.rotary.tables import place_axes

WIDER = 4  # times the largest tensor of the call: so far may one write that takes another's strides


class UnfitCall(Exception):
    """The function does not take such a call, or returns what no rotation does;
    the message says which."""


@dataclass(slots=True)
class CallCount:
    """How many calls were made, of one function or in one search."""

    calls: int = 0
    runs: int = 0  # calls that returned


@dataclass(frozen=True, slots=True)
class Sample:
    """A call with random values, (B, S, H, D) for each slot, and what it returned."""

    convention: Convention
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(eq=False, slots=True)
class Caller:
    """Calls a function as conventions say; counts the calls,
    and those of a whole search in `limit`.

    `starts`: rows at which sequences begin that follow one another in one tensor. `coordinate`: of
    points, the only coordinate that is not 0. `without`: which of three tables, for time, height
    and width, holds zeros. `padding`: rows of padding in front of the first batch row.
    """

    function: Callable[..., Any]
    device: torch.device
    probe: ProbeSizes
    dtype: torch.dtype = torch.float32
    limit: CallCount = field(default_factory=CallCount)
    starts: tuple[int, ...] = ()
    coordinate: int | None = None
    without: int | None = None
    padding: int = 0
    calls: int = 0
    any_returned: bool = False
    wrote_outside: bool = False  # of its tensors, where that is watched
    _buffers: list[tuple[Tensor, int]] = field(default_factory=list)  # each with its margin

    def with_changes(self, **changes: Any) -> "Caller":
        """A caller of the same function
        with other `starts`, `coordinate`, `without` or `padding`."""
        return Caller(self.function, self.device, self.probe, self.dtype, **changes)

    def with_sizes(self, **sizes: Any) -> "Caller":
        """A caller of the same function in other sizes or at other positions."""
        return Caller(self.function, self.device, replace(self.probe, **sizes), self.dtype)

    def rotate_ones(self, convention: Convention, offset: int = 0) -> Tensor:
        """Rotate a q of ones (B, S, H, D)."""
        x = torch.ones(self.shape(convention), dtype=torch.float64)
        return self.call(convention, [x] * len(convention.slots), offset)[0]

    def pair_cos_sin(self, convention: Convention, offset: int = 0) -> tuple[Tensor, Tensor]:
        """The cos and sin (S, P) by which the pairs turn in each row:
        (1, 0) goes in for every pair."""
        turning = (convention.rotary_dim or self.probe.width) // 2
        units = torch.zeros(turning, 2, dtype=torch.float64)
        units[:, 0] = 1.0
        x = torch.zeros(self.shape(convention), dtype=torch.float64)
        x[..., : 2 * turning] = lanes(units, convention.pairing, convention.blocks)
        q = self.call(convention, [x] * len(convention.slots), offset)[0]
        rows = q[0, :, 0, : 2 * turning]
        cos, sin = pairs(rows, convention.output_order, convention.blocks).unbind(-1)
        return cos, sin

    def call(
        self, convention: Convention, slots: Sequence[Tensor], offset: int = 0
    ) -> tuple[Tensor, ...]:
        """Call the function with q, k and v (B, S, H, D), as many as it takes;
        what becomes of each.

        Raises `UnfitCall` when the results are not like the inputs;
        what the function raises passes through.
        """
        inputs = self.inputs(convention, slots)
        answer = self.raw(convention, inputs, offset)
        outputs = results(answer, inputs, answer is None)
        if len(outputs) < len(inputs) - ("v" in convention.slots and not convention.is_packed):
            raise UnfitCall(f"returns {len(outputs)} for {len(inputs)} tensors")
        for result, x in zip(outputs, inputs):
            if not isinstance(result, Tensor) or result.shape != x.shape:
                raise UnfitCall("returns another shape than it was given")
        width = self.probe.width
        rows = [unlay(read_back(result).real, convention.axes, width) for result in outputs]
        return tuple(rows[0].unbind(2)) if convention.is_packed else tuple(rows)

    def inputs(self, convention: Convention, slots: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Lay out q, k and v as the convention says,
        with margins around them where memory is watched."""
        rows = [torch.stack(tuple(slots), 2)] if convention.is_packed else list(slots)
        tensors = [lay(row, convention.axes).to(self.dtype).contiguous() for row in rows]
        if not watches_memory(self.device):
            return tuple(x.to(self.device, copy=True) for x in tensors)
        margin = WIDER * max(x.numel() for x in tensors)
        with_margins = [fence(x.to(self.device), margin) for x in tensors]
        self._buffers = [(buffer, margin) for buffer, _ in with_margins]
        return tuple(inside for _, inside in with_margins)

    def raw(self, convention: Convention, inputs: tuple[Tensor, ...], offset: int = 0) -> Any:
        """Call the function with tensors that are laid out; what it returns, as it is."""
        self.calls += 1
        self.limit.calls += 1
        positional, keyword = arguments(convention, self._call(convention, inputs, offset))
        with fences() as around:
            answer = call(self.function, self.device, positional, keyword)
        self.any_returned = True
        self.limit.runs += 1
        overwritten = any(is_overwritten(*pair) for pair in self._buffers)
        self.wrote_outside |= around.is_crossed() or overwritten
        return answer

    def _call(self, convention: Convention, inputs: tuple[Tensor, ...], offset: int) -> Call:
        tables, positions = self._tables(convention), self.positions(convention)
        sizes = self.probe.sizes(convention)
        return Call(inputs, tables, positions, offset, sizes, self.starts, self.padding)

    def positions(self, convention: Convention) -> Tensor | None:
        """The positions to pass."""
        rows = torch.tensor(self.probe.positions)
        positions = laid_positions(rows, convention.position_axes, self.probe.batch)
        if self.coordinate is not None:
            axis = next(at for at, name in enumerate(convention.position_axes) if name in "23")
            rest = [at for at in range(positions.shape[axis]) if at != self.coordinate]
            positions = positions.index_fill(axis, torch.tensor(rest), 0)
        return positions.contiguous().to(self.device)

    def _tables(self, convention: Convention) -> tuple[Tensor, ...]:
        if not convention.takes_tables:
            return ()
        tables, _, _ = probe_tables(convention.tables, self.probe)
        wide = [table[None].expand(self.batch(convention), *table.shape) for table in tables]
        if convention.form.has_slots:
            wide = [with_slots(table, at) for at, table in enumerate(wide)]
        if "g" in convention.table_axes:
            masks = [self.without != axis for axis in range(3)]
            wide = [torch.stack([table * mask for mask in masks]) for table in wide]
        return tuple(self._table(table, convention) for table in wide)

    def _table(self, table: Tensor, convention: Convention) -> Tensor:
        dtype = torch.complex64 if table.is_complex() else self.dtype
        return place_axes(table, convention.table_axes).to(dtype).contiguous().to(self.device)

    def batch(self, convention: Convention) -> int:
        """The size of the batch; 1 where a call has no batch."""
        return self.probe.batch if "b" in convention.axes else 1

    def heads(self, convention: Convention) -> int:
        """The number of heads; 1 where a call has none."""
        return self.probe.heads if "h" in split(convention.axes) else 1

    def shape(self, convention: Convention) -> tuple[int, int, int, int]:
        """B, S, H and D of q in a call."""
        return self.batch(convention), self.probe.length, self.heads(convention), self.probe.width

    def random(self, convention: Convention) -> list[Tensor]:
        """Random values for each slot of a call (B, S, H, D), between -1 and 1, float64."""
        shape = self.shape(convention)
        return [random_values(shape, slot) for slot in range(len(convention.slots))]


def watches_memory(device: torch.device) -> bool:
    """Whether the memory around tensors is watched: where kernels may write to any address."""
    return interprets() or device.type == "cuda"
