"""A maker of tables called for positions, and the tables that come back read."""

import ast
import math
import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.identify.making.maker_call_candidates import BASE, BATCH, HEAD_DIM, HEADS, MakerCall
from rotcheck.identify.making.table_reading import NotTables, RotaryTables, read_tables
from rotcheck.implementations.instances import copy_of
from rotcheck.measure.device import call as call_on_device
from rotcheck.measure.device import fetch

CHANNELS = 4  # of an image
FEW_ROWS = 9  # of the tables that are looked at first
STILL = 1e-6  # radians; some pairs turn by 1e-7 a place


def tables_at(
    function: Callable[..., Any], call: MakerCall, positions: Tensor, fill: float = 0.0
) -> RotaryTables:
    """Call a maker for integer positions (S,), or points (S, C), and read what comes back.

    A maker that counts from 0 makes as many rows as the largest position needs, of which those
    that are asked for are returned.

    Args:
        fill: the elements of a tensor that it may be shown.

    Raises:
        NotTables: what comes back are no tables. What the maker raises passes through.
    """
    length = len(positions) if call.positions == "given" else int(positions.max()) + 1
    if call.sides:
        length = math.prod(call.sides)
    result = call_maker(function, call, positions, length, fill=fill)
    if call.makes_grid(length, result):
        return _of_grid(result, length)
    tables = read_tables(result, length)
    if call.positions == "given" or call.sides:
        return tables
    return replace(tables, cos=tables.cos[positions], sin=tables.sin[positions])


def _of_grid(result: Any, length: int) -> RotaryTables:
    """The squares of a grid: those of its first row, and if they stand still, the next one too."""
    tables = read_tables(result, length)
    if bool(tables.angles.abs().max() <= STILL):
        tables = read_tables(result, length + 1)
    return replace(tables, grid=True)


def call_maker(
    function: Callable[..., Any],
    call: MakerCall,
    positions: Tensor,
    length: int,
    dtype: torch.dtype = torch.float32,
    fill: float = 0.0,
) -> Any:
    """What a maker returns on the call's device for integer positions (S,), or for so many rows.

    Raises what the maker raises, and `DeviceLost`.
    """
    device = torch.device(call.device)
    values = _values(call, lay_positions(call, positions).to(device), length)
    if "x" in call.roles:
        sizes = _sizes(call, length)
        shape = [sizes[axis] for axis in call.x_axes]
        values["x"] = torch.full(shape, fill, dtype=dtype, device=device)
    positional: list[Any] = []
    keyword: dict[str, Any] = {}
    for argument in call.arguments:
        name, _, role = argument.rpartition("=")
        value = values[role] if role in values else ast.literal_eval(role)
        if name:
            keyword[name] = value
        else:
            positional.append(value)
    return call_on_device(function, device, positional, keyword)


def lay_positions(call: MakerCall, positions: Tensor) -> Tensor:
    """Positions (S,) or (S, C) as they are passed.

    The point of position p is (p, 2p, 3p): with equal coordinates, pairs of one could pass for
    those of another.
    """
    if call.coordinates:
        points = positions if positions.dim() == 2 else positions[:, None] * call.weights
        sizes = {"s": points.shape[0], "c": call.coordinates, "1": 1}
        rows_first = call.point_axes.index("s") < call.point_axes.index("c")
        return (points if rows_first else points.T).reshape(
            [sizes[axis] for axis in call.point_axes]
        )
    in_batch = any("ids" in argument for argument in call.arguments) or call.x_axes == "bhsd"
    return positions[None] if in_batch and positions.dim() == 1 else positions


def _sizes(call: MakerCall, length: int) -> dict[str, int]:
    """The size of each axis of the tensor that a maker is shown."""
    sizes = {"b": BATCH, "s": length, "h": HEADS, "d": HEAD_DIM, "c": CHANNELS}
    elements = map(operator.mul, call.sides, call.patch)
    return sizes | dict(zip(call.x_axes[-len(call.sides) :], elements))


def _values(call: MakerCall, positions: Tensor, length: int) -> dict[str, Any]:
    """What is passed for each role."""
    pairs = torch.arange(0, HEAD_DIM, 2, device=positions.device)
    return {
        "positions": positions,
        "float": positions.float(),
        "S": length,
        "D": HEAD_DIM,
        "B": BATCH,
        "float32": torch.float32,
        "device": call.device,
        "inv_freq": 1 / BASE ** (pairs / HEAD_DIM),  # (P,)
    }


def first_tables(
    function: Callable[..., Any], call: MakerCall, *, must_read_positions: bool = True
) -> RotaryTables:
    """What a maker makes for the first `FEW_ROWS` positions.

    `must_read_positions`: that it ignores its positions raises as well; else the tables say so.
    Raises `NotTables` if they are no tables of these positions, and what the maker raises.
    """
    tables = tables_at(copy_of(function), call, torch.arange(FEW_ROWS))
    ignores = _ignores_positions(function, call, tables)
    # of squares and patches, the next one may be in another row
    turns = tables.angles if tables.grid or call.sides else tables.angles[1]
    still = bool(turns.abs().max() <= STILL)
    if still or (ignores and must_read_positions) or _reads_x(function, call, tables):
        raise NotTables("the result is not tables of the positions that were asked for")
    return replace(tables, ignores="positions") if ignores else tables


def tables_or_none(
    function: Callable[..., Any], call: MakerCall, *, must_read_positions: bool = True
) -> RotaryTables | None:
    """The same; None where a call gives back no tables, or does not run."""
    try:
        return first_tables(function, call, must_read_positions=must_read_positions)
    except Exception:  # no call for it, or no tables come back; a maker may raise anything
        return None


def _ignores_positions(function: Callable[..., Any], call: MakerCall, tables: RotaryTables) -> bool:
    """Whether tables are the same for other positions."""
    if call.positions != "given":
        return False
    try:
        later = tables_at(copy_of(function), call, torch.arange(FEW_ROWS) + 2)
    except Exception:  # its table is as short as that; a maker may raise anything
        return False
    return _equal(later, tables)


def _reads_x(function: Callable[..., Any], call: MakerCall, tables: RotaryTables) -> bool:
    """Whether tables are others for another x, as what adds them to it gives back."""
    if call.positions not in ("x", "image"):
        return False
    try:
        filled_tables = tables_at(copy_of(function), call, torch.arange(FEW_ROWS), fill=1.0)
    except Exception:  # what it makes of another x is no table; a maker may raise anything
        return True
    return not _equal(filled_tables, tables)


def _equal(first: RotaryTables, second: RotaryTables) -> bool:
    return torch.equal(first.cos, second.cos) and torch.equal(first.sin, second.sin)


def parts_of(result: Any) -> list[Tensor]:
    """The tensors of whatever a function returns."""
    several = tuple(result.values()) if isinstance(result, dict) else result
    parts = several if isinstance(several, (tuple, list)) else (several,)
    return [part for part in parts if isinstance(part, Tensor)]


def tensors_of(result: Any) -> list[Tensor]:
    """The tensors of whatever a function returns, on the CPU."""
    return list(map(fetch, parts_of(result)))
