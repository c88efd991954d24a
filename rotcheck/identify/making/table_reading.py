"""Tables that came back from a maker: which form they have, and their cos and sin."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import FORMS, Pairing, TableForm, once
from rotcheck.measure.device import fetch, read_back

SLOTS = 3  # of q, k and v
UNSTEADY = 5e-2  # radians that rounding to bfloat16 may cost the first rows
NEAR = 2e-2  # cos of position 0 is nearer to 1 than this, whatever the dtype


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
        """Return how many lanes of a head the tables have values for, at least."""
        return self.cos.shape[-1] * (2 if self.table_lanes else 1)

    @property
    def steady(self) -> bool:
        """Whether each row turns by as much more than the one before it, as places in a row do."""
        rows = torch.arange(len(self.cos), dtype=torch.float64)[:, None]  # (S, 1)
        zero, one = self.angles[0], self.angles[1]
        off = (
            torch.remainder(self.angles - zero - rows * (one - zero) + torch.pi, 2 * torch.pi)
            - torch.pi
        )
        return bool(off.abs().max() < UNSTEADY)


class NotTables(Exception):
    """What came back is no table of a rotation; the message says why."""


def read_tables(returned: Any, length: int) -> RotaryTables:
    """Read tables of `length` rows, the first of which is position 0 or the next."""
    if isinstance(returned, dict):
        returned = tuple(returned.values())
    if isinstance(returned, (tuple, list)):
        tensors = [fetch(part) for part in returned if isinstance(part, Tensor)]
        if len(tensors) >= 2 and tensors[0].shape == tensors[1].shape:
            return _of_two(tensors[0], tensors[1], length)
        if len(tensors) == 1:
            return _of_one(tensors[0], length)
    if not isinstance(returned, Tensor):
        raise NotTables(f"returns {type(returned).__name__}")
    return _of_one(fetch(returned), length)


def _of_two(first: Tensor, second: Tensor, length: int) -> RotaryTables:
    axes, (a, b) = _rows((first, second), length)
    dtype = first.dtype
    if not first.is_floating_point():
        raise NotTables(f"returns two tensors of {dtype}")
    starts_with_cos = (
        float((a[0] - a[0].abs().max()).abs().max()) < NEAR and float(b[0].abs().max()) < NEAR
    )
    cos, sin, order = (
        (a, b, "cos, sin")
        if starts_with_cos or float(a[0].abs().mean()) >= float(b[0].abs().mean())
        else (b, a, "sin, cos")
    )
    made = _paired(cos, sin, dtype, order, axes)
    return replace(made, form="packed") if _spares_v(first, second, axes) else made


def _spares_v(first: Tensor, second: Tensor, axes: str) -> bool:
    """Return whether the tables have a slot for v, of cos 1 and sin 0."""
    if "3" not in axes:
        return False
    slots = sorted(
        float(table.select(axes.index("3"), 2).float().abs().max()) for table in (first, second)
    )
    still = [
        float(table.select(axes.index("3"), 2).float().abs().min()) for table in (first, second)
    ]
    return slots == [0.0, 1.0] and max(still) == 1.0


def _of_one(table: Tensor, length: int) -> RotaryTables:
    dtype = table.dtype
    if not table.is_floating_point() and not table.is_complex():
        raise NotTables(f"returns a tensor of {dtype}")
    if not table.is_complex() and table.dim() >= 3 and table.shape[0] == 2 and length != 2:
        return _of_two(table[0], table[1], length)
    for form in FORMS.values():
        built = _of_form(form, table, length) if form.fits(table) else None
        if built:
            return built
    if table.dim() >= 3 and table.shape[-2] == 2 and length != 2:
        first, second = table.unbind(-2)
        axes, (c, s) = _rows((first, second), length)
        if float((c[0] - 1).abs().max()) < NEAR or float((s[0] - 1).abs().max()) < NEAR:
            made = _of_two(first, second, length)
            return replace(made, order=made.order.replace(", ", "/"))
    axes, (found,) = _rows((table,), length)
    half = found.shape[-1] // 2
    left, right = found[:, :half], found[:, half:]
    even, odd = found[:, ::2], found[:, 1::2]
    joined = (
        (left, right, "cos+sin"),
        (right, left, "sin+cos"),
        (even, odd, "cos|sin"),
        (odd, even, "sin|cos"),
    )
    for cos, sin, order in joined:
        if (
            half
            and found.shape[-1] % 2 == 0
            and bool((cos[0] - 1).abs().max() < NEAR)
            and bool(sin[0].abs().max() < NEAR)
        ):
            return _paired(cos, sin, dtype, order, axes)
    if bool(found[0].abs().max() < NEAR) and len(found) > 1 and bool(found[1].abs().max() > 1e-3):
        return _angles(found, dtype, axes)
    raise NotTables("returns a tensor that is neither cos and sin nor angles of position 0")


def _of_form(form: TableForm, table: Tensor, length: int) -> RotaryTables | None:
    """Read a table of a form that holds cos and sin side by side; None: its values say that it is of another."""
    axes, (c, s) = _rows(form.read((table,)), length)
    if form.certain or float((c[0] - 1).abs().max()) < NEAR:
        return _made(form.name, None, c, s, table.dtype, "one tensor", axes)
    if float((s[0] - 1).abs().max()) < NEAR:
        return _made(form.name, None, s, c, table.dtype, "sin first", axes)
    return None


def _angles(found: Tensor, dtype: torch.dtype, axes: str) -> RotaryTables:
    order = _order(found)
    turns = once(found, order)
    form = "angles-repeated" if order else "angles"
    return _made(form, order, turns.cos(), turns.sin(), dtype, "one tensor", axes)


def _paired(cos: Tensor, sin: Tensor, dtype: torch.dtype, order: str, axes: str) -> RotaryTables:
    lanes = _order(torch.cat((cos, sin), 0))
    form = "repeated" if lanes else "half-width"
    return _made(form, lanes, once(cos, lanes), once(sin, lanes), dtype, order, axes)


def _order(table: Tensor) -> Pairing | None:
    """Return in which order a table (S, W) repeats its lanes; None: it does not."""
    width = table.shape[-1]
    if width % 2:
        return None
    if width > 2 and torch.equal(table[:, : width // 2], table[:, width // 2 :]):
        return "half"
    return "interleaved" if torch.equal(table[:, ::2], table[:, 1::2]) else None


def _made(
    form: str,
    lanes: Pairing | None,
    cos: Tensor,
    sin: Tensor,
    dtype: torch.dtype,
    order: str,
    axes: str,
) -> RotaryTables:
    norm = torch.hypot(cos, sin)
    amplitude = float(norm.mean())
    if not bool(torch.isfinite(norm).all()):
        raise NotTables("returns tables with NaN or infinite elements")
    if amplitude < 0.05 or bool((norm - amplitude).abs().max() > 0.05 * amplitude):
        raise NotTables(
            "returns two tensors that are no cos and sin: their squares do not sum up to the same"
        )
    return RotaryTables(form, lanes, cos, sin, dtype, order, axes, amplitude)


def _rows(tables: tuple[Tensor, ...], length: int) -> tuple[str, tuple[Tensor, ...]]:
    """Return the axes of tables and the tables as (S, W) in float64; rows beyond the length are cut off."""
    shape = tables[0].shape
    if len(shape) < 2:
        raise NotTables(f"returns a tensor of shape {tuple(shape)}")
    candidates = [at for at in range(len(shape) - 1) if shape[at] == length]
    candidates = candidates or [
        at for at in range(len(shape) - 1) if shape[at] > length and shape[at] > 1
    ]
    if not candidates:
        raise NotTables(
            f"returns a tensor of shape {tuple(shape)}, and no axis of it has {length} rows"
        )
    at = candidates[-1]
    last = len(shape) - 1
    named = {at: "s", last: "w"} | {
        here: "3" for here in range(last) if here != at and shape[here] == SLOTS
    }
    axes = "".join(named.get(here, "1" if shape[here] == 1 else "b") for here in range(len(shape)))
    # else a grid's
    alike = [here for here, axis in enumerate(axes) if axis == "b" and shape[here] != length]
    whole = tuple(read_back(table).movedim(at, 0)[:length] for table in tables)
    for here in alike:
        if not all(_same_along(table, here + (here < at)) for table in whole):
            raise NotTables(
                f"returns a tensor of shape {tuple(shape)} that holds another table for each of {shape[here]}"
            )
    return axes, tuple(table.reshape(len(table), -1, shape[-1])[:, 0] for table in whole)


def _same_along(table: Tensor, axis: int) -> bool:
    """Return whether all parts of a table along an axis are the same, as those of batch rows are, and of heads."""
    return torch.allclose(table, table.narrow(axis, 0, 1).expand_as(table), atol=1e-6)
