"""How far a maker of tables is right, asked in the call that the model made, at other positions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rotcheck.identify.angles.frequency_fit import Fit, fit_schedule
from rotcheck.identify.angles.measured_angles import Angles
from rotcheck.identify.making.table_reading import NotTables, RotaryTables, read_tables
from rotcheck.model.module_state import kept_state
from rotcheck.model.turn_angles import noise_of
from rotcheck.rotary.schedules import Schedule
from rotcheck.witness.call_record import CallRecord, map_tensors, tensors_in

HARD_POSITIONS = (0, 1, 2, 3, 5, 17, 100, 257, 1000, 2049, 4097, 8191, 16385, 32767, 65537, 131071)
"""257 and 2049 are the first integers that bfloat16 and float16 cannot hold."""


@dataclass(frozen=True, slots=True)
class TableReach:
    """What a maker's tables turn by, and up to which position they are right."""

    tables: RotaryTables
    fit: Fit
    direction: int
    positions: tuple[int, ...]
    schedules: tuple[Schedule, ...]  # that explain it, the likeliest first

    @property
    def last(self) -> int:
        """The largest position that was asked for."""
        return max(self.positions)


def table_reach(
    call: CallRecord, length: int, most: int, candidates: Sequence[Schedule] = ()
) -> TableReach:
    """Measure the tables of a maker at hard positions, or else the rows that it made.

    Args:
        call: of the maker, as the model made it.
        length: tokens of the sequence.
        most: only positions below this are asked for: further on, frequencies may change.
        candidates: schedules to try beside the usual ones.

    Raises:
        NotTables: what came back is not understood.
    """
    name = _positions_argument(call, length)
    if name is None or length not in call.results[call.tables[0]].shape[:-1]:
        tables, angles = _own_rows(call, length)
    else:
        tables, angles = _at_hard_positions(call, name, length, most)
    noise = noise_of(tables.dtype, 0.0)
    direction = -1 if 1 in angles and float(angles[1].sum()) < 0 else 1
    fit = fit_schedule(angles, direction, tables.lanes, noise, candidates)
    schedules = (fit.schedule, *fit.alternatives) if fit.schedule else ()
    return TableReach(tables, fit, direction, tuple(angles), schedules)


def _positions_argument(call: CallRecord, length: int) -> str | None:
    """The argument that holds the position of each token: integers, as many as there are tokens."""
    for name, value in call.arguments.items():
        for _, tensor in tensors_in(value):
            whole = not tensor.is_floating_point() and not tensor.is_complex()
            if whole and tensor.dtype != torch.bool and tensor.dim() and tensor.shape[-1] == length:
                return name
    return None


def _at_hard_positions(
    call: CallRecord, name: str, length: int, most: int
) -> tuple[RotaryTables, Angles]:
    """The angles at hard positions, as far as its table reaches."""
    while True:
        try:
            return _at_positions(call, name, length, most)
        except IndexError:  # it looks them up in a table that ends
            if most <= length:
                raise
            most = max(most // 2, length)


def _at_positions(
    call: CallRecord, name: str, length: int, most: int
) -> tuple[RotaryTables, Angles]:
    *first, last = sorted({at for at in HARD_POSITIONS if at < most} | {most - 1})
    positions = (*first[: length - 1], last)
    rows = (*positions, *[positions[-1]] * (length - len(positions)))  # (S,)

    def replaced(tensor: Tensor) -> Tensor:
        if tensor.is_floating_point() or tensor.shape[-1:] != (length,):
            return tensor
        return torch.tensor(rows, dtype=tensor.dtype, device=tensor.device).expand_as(tensor)

    with torch.no_grad(), kept_state(call.arguments.values()):
        result = call.call({name: map_tensors(call.arguments[name], replaced)})
    tables = read_tables(_tables_of(result, call.tables), length)
    return tables, dict(zip(positions, tables.angles))


def _tables_of(result: Any, places: Sequence[str]) -> Any:
    """Of a result those tensors that are tables."""
    tensors = dict(tensors_in(result))
    tables_made = tuple(tensors[place] for place in places if place in tensors)
    return tables_made if len(tables_made) > 1 else tables_made[0]


def _own_rows(call: CallRecord, length: int) -> tuple[RotaryTables, Angles]:
    """The tables that the model got: rows 0, 1, 2, ..."""
    tables_made = tuple(call.results[place] for place in call.tables)
    rows = max(tables_made[0].shape[:-1], default=length)
    tables = read_tables(tables_made if len(tables_made) > 1 else tables_made[0], max(rows, 1))
    if not tables.steady:
        raise NotTables("its rows are not the positions 0, 1, 2, ...")
    positions = sorted({at for at in HARD_POSITIONS if at < rows} | {rows - 1})
    return tables, {at: tables.angles[at] for at in positions}
