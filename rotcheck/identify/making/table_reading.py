"""Tables that came back from a maker: which form they have, and their cos and sin."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import FORMS, Pairing, TableForm, once
from rotcheck.measure.device import fetch, read_back
from rotcheck.rotary.frequencies import wrap

SLOTS = 3  # of q, k and v
UNSTEADY = 5e-2  # radians that rounding to bfloat16 may cost the first rows
CLOSE_TO_ONE = 2e-2  # cos of position 0 is nearer to 1 than this, whatever the dtype


@dataclass(frozen=True, slots=True)
class RotaryTables:
    """The tables that came back, with their axes put as (S, P)."""

    form: str
    table_lanes: Pairing | None
    cos: Tensor  # (S, P) float64
    sin: Tensor
    dtype: torch.dtype
    order: str  # "cos, sin", "sin, cos", "one tensor"
    axes: str  # of a table as it came back
    amplitude: float
    grid: bool = False  # it makes as many rows as squares of a grid: positions are not 0, 1, 2, ...
    ignores: str = ""  # the parameter of positions that changes nothing

    @property
    def angles(self) -> Tensor:
        """The angles (S, P), in (-pi, pi]."""
        return torch.atan2(self.sin, self.cos)

    @property
    def lanes(self) -> int:
        """How many lanes of a head the tables have values for, at least."""
        return self.cos.shape[-1] * (2 if self.table_lanes else 1)

    @property
    def steady(self) -> bool:
        """Whether each row turns by as much more than the one before it, as places in a row do."""
        rows = torch.arange(len(self.cos), dtype=torch.float64)[:, None]  # (S, 1)
        first, step = self.angles[0], self.angles[1] - self.angles[0]
        return bool(wrap(self.angles - first - rows * step).abs().max() < UNSTEADY)


class NotTables(Exception):
    """What came back is no table of a rotation; the message says why."""


def read_tables(result: Any, length: int) -> RotaryTables:
    """Read tables of `length` rows, the first position 0 or the next. Raises `NotTables`."""
    if isinstance(result, dict):
        result = tuple(result.values())
    if isinstance(result, (tuple, list)):
        tensors = [fetch(part) for part in result if isinstance(part, Tensor)]
        if len(tensors) >= 2 and tensors[0].shape == tensors[1].shape:
            return _of_two(tensors[0], tensors[1], length)
        if len(tensors) == 1:
            return _of_one(tensors[0], length)
    if not isinstance(result, Tensor):
        raise NotTables(f"returns {type(result).__name__}")
    return _of_one(fetch(result), length)


def _of_two(first: Tensor, second: Tensor, length: int) -> RotaryTables:
    """Read cos and sin, whichever comes first."""
    axes, (a, b) = _rows((first, second), length)
    if not first.is_floating_point():
        raise NotTables(f"returns two tensors of {first.dtype}")
    begins_at_0 = (
        float((a[0] - a[0].abs().max()).abs().max()) < CLOSE_TO_ONE
        and float(b[0].abs().max()) < CLOSE_TO_ONE
    )
    if begins_at_0 or float(a[0].abs().mean()) >= float(b[0].abs().mean()):
        tables = _of_cos_and_sin(a, b, first.dtype, "cos, sin", axes)
    else:
        tables = _of_cos_and_sin(b, a, first.dtype, "sin, cos", axes)
    return replace(tables, form="packed") if _spares_v(first, second, axes) else tables


def _spares_v(first: Tensor, second: Tensor, axes: str) -> bool:
    """Whether the tables have a slot for v, of cos 1 and sin 0."""
    if "3" not in axes:
        return False
    slots = [table.select(axes.index("3"), 2).float().abs() for table in (first, second)]
    largest = sorted(float(slot.max()) for slot in slots)
    return largest == [0.0, 1.0] and max(float(slot.min()) for slot in slots) == 1.0


def _of_one(table: Tensor, length: int) -> RotaryTables:
    """Read a tensor of whatever form."""
    if not table.is_floating_point() and not table.is_complex():
        raise NotTables(f"returns a tensor of {table.dtype}")
    if not table.is_complex() and table.dim() >= 3 and table.shape[0] == 2 and length != 2:
        return _of_two(table[0], table[1], length)
    for form in FORMS.values():
        tables = _of_form(form, table, length) if form.fits(table) else None
        if tables:
            return tables
    if table.dim() >= 3 and table.shape[-2] == 2 and length != 2:
        first, second = table.unbind(-2)
        _, (a, b) = _rows((first, second), length)
        if _is_near_1(a[0]) or _is_near_1(b[0]):
            tables = _of_two(first, second, length)
            return replace(tables, order=tables.order.replace(", ", "/"))
    axes, (rows,) = _rows((table,), length)
    return _of_lanes(rows, table.dtype, axes)


def _of_form(form: TableForm, table: Tensor, length: int) -> RotaryTables | None:
    """Read a table that holds cos and sin side by side; None: it is of another form."""
    axes, (a, b) = _rows(form.read((table,)), length)
    if form.certain or _is_near_1(a[0]):
        return _with_amplitude(form.name, None, a, b, table.dtype, "one tensor", axes)
    if _is_near_1(b[0]):
        return _with_amplitude(form.name, None, b, a, table.dtype, "sin first", axes)
    return None


def _of_lanes(rows: Tensor, dtype: torch.dtype, axes: str) -> RotaryTables:
    """Read rows (S, W) that hold cos and sin one behind the other or lane by lane, or angles."""
    width = rows.shape[-1]
    first_half, second_half = rows[:, : width // 2], rows[:, width // 2 :]
    even, odd = rows[:, ::2], rows[:, 1::2]
    orders = (
        (first_half, second_half, "cos+sin"),
        (second_half, first_half, "sin+cos"),
        (even, odd, "cos|sin"),
        (odd, even, "sin|cos"),
    )
    for cos, sin, order in orders if width >= 2 and width % 2 == 0 else ():
        if _is_near_1(cos[0]) and bool(sin[0].abs().max() < CLOSE_TO_ONE):
            return _of_cos_and_sin(cos, sin, dtype, order, axes)
    if (
        bool(rows[0].abs().max() < CLOSE_TO_ONE)
        and len(rows) > 1
        and bool(rows[1].abs().max() > 1e-3)
    ):
        return _of_angles(rows, dtype, axes)
    raise NotTables("returns a tensor that is neither cos and sin nor angles of position 0")


def _is_near_1(row: Tensor) -> bool:
    return bool((row - 1).abs().max() < CLOSE_TO_ONE)


def _of_angles(angles: Tensor, dtype: torch.dtype, axes: str) -> RotaryTables:
    lanes = _repetition(angles)
    turns = once(angles, lanes)
    form = "angles-repeated" if lanes else "angles"
    return _with_amplitude(form, lanes, turns.cos(), turns.sin(), dtype, "one tensor", axes)


def _of_cos_and_sin(
    cos: Tensor, sin: Tensor, dtype: torch.dtype, order: str, axes: str
) -> RotaryTables:
    lanes = _repetition(torch.cat((cos, sin), 0))
    form = "repeated" if lanes else "half-width"
    return _with_amplitude(form, lanes, once(cos, lanes), once(sin, lanes), dtype, order, axes)


def _repetition(table: Tensor) -> Pairing | None:
    """In which order a table (S, W) repeats its lanes; None: it does not."""
    width = table.shape[-1]
    if width % 2:
        return None
    if width > 2 and torch.equal(table[:, : width // 2], table[:, width // 2 :]):
        return "half"
    return "interleaved" if torch.equal(table[:, ::2], table[:, 1::2]) else None


def _with_amplitude(
    form: str,
    lanes: Pairing | None,
    cos: Tensor,
    sin: Tensor,
    dtype: torch.dtype,
    order: str,
    axes: str,
) -> RotaryTables:
    """The tables, if all their pairs have the same length."""
    norm = torch.hypot(cos, sin)
    amplitude = float(norm.mean())
    if not bool(torch.isfinite(norm).all()):
        raise NotTables("returns tables with NaN or infinite elements")
    if amplitude < 0.05 or bool((norm - amplitude).abs().max() > 0.05 * amplitude):
        raise NotTables(
            "returns two tensors that are not cos and sin: the sum of their squares is not constant"
        )
    return RotaryTables(form, lanes, cos, sin, dtype, order, axes, amplitude)


def _rows(tables: tuple[Tensor, ...], length: int) -> tuple[str, tuple[Tensor, ...]]:
    """The axes of tables, and these as (S, W) in float64, without rows beyond the length."""
    shape = tuple(tables[0].shape)
    at, last = _row_axis(shape, length), len(shape) - 1
    slots = {axis: "3" for axis in range(last) if axis != at and shape[axis] == SLOTS}
    names = {at: "s", last: "w"} | slots
    axes = "".join(names.get(axis, "1" if size == 1 else "b") for axis, size in enumerate(shape))
    rows = tuple(read_back(table).movedim(at, 0)[:length] for table in tables)
    for axis, name in enumerate(axes):
        # an axis as long as the rows is a grid's
        if name != "b" or shape[axis] == length:
            continue
        if not all(_is_constant_along(table, axis + (axis < at)) for table in rows):
            raise NotTables(
                f"returns a tensor of shape {shape} that holds another table for each of {shape[axis]}"
            )
    return axes, tuple(table.reshape(len(table), -1, shape[-1])[:, 0] for table in rows)


def _row_axis(shape: tuple[int, ...], length: int) -> int:
    """The last axis of as many rows as were asked for, or of more. Raises `NotTables`."""
    if len(shape) < 2:
        raise NotTables(f"returns a tensor of shape {shape}")
    exact = [axis for axis, size in enumerate(shape[:-1]) if size == length]
    longer = [axis for axis, size in enumerate(shape[:-1]) if size > max(length, 1)]
    if not exact and not longer:
        raise NotTables(f"returns a tensor of shape {shape}, and no axis of it has {length} rows")
    return (exact or longer)[-1]


def _is_constant_along(table: Tensor, axis: int) -> bool:
    """Whether all parts of a table along an axis are the same, as of batch rows and heads."""
    return torch.allclose(table, table.narrow(axis, 0, 1).expand_as(table), atol=1e-6)
