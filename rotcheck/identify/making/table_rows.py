"""The angles of a maker at hard positions, as far as its first rows stay what they were."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from msgspec import structs

from rotcheck.identify.angles.angle_findings import AngleFindings, no_end
from rotcheck.identify.angles.measured_angles import (
    LAST_POSITION,
    PROBE_POSITIONS,
    Angles,
    same_row,
)
from rotcheck.identify.angles.object_config import config_of
from rotcheck.identify.angles.schedule_faults import length_change
from rotcheck.identify.making.maker_call_candidates import MakerCall
from rotcheck.identify.making.returned_tables import tables_at, tables_or_none
from rotcheck.identify.making.table_maker import TableMaker
from rotcheck.identify.remarks import remark
from rotcheck.results import Remark

ROUNDINGS = 8  # by which the same row may differ in tables of different length
MOST_ROWS = 4097  # of one that makes all rows up to a position; `rotcheck context` goes on
FIRST_ROWS = 6


def rows_of(maker: TableMaker, reading: AngleFindings) -> Angles:
    """The angles (P,) by position, further and further off;
    adds to `reading` what comes up meanwhile."""
    tables, call = maker.tables, maker.call
    angles = {position: tables.angles[position] for position in range(FIRST_ROWS)}
    on_cpu = _on_cpu(maker)
    last = PROBE_POSITIONS[-1] if call.positions == "given" else MOST_ROWS
    if call.device != "cpu" and on_cpu is None:
        last = LAST_POSITION
        reading.evidence.append(no_end())
    for position in (at for at in PROBE_POSITIONS if FIRST_ROWS <= at <= last):
        positions = torch.tensor([0, 1, position])
        try:
            if on_cpu is not None:
                tables_at(on_cpu[0], on_cpu[1], positions)
            more = tables_at(maker.function, call, positions)
        except Exception:
            # it has no row for a position as large as this; a maker may raise anything
            break
        # what grows with the rows is no number of pairs
        if more.angles.shape[1:] != tables.angles.shape[1:]:
            break
        if not same_row(more.angles[1], tables.angles[1], ROUNDINGS * maker.eps):
            reading.remarks.append(length_change(position, config_of(maker.function)))
            reading.remarks += _of_kept_length(maker, position)
            break
        angles[position] = more.angles[2]
    return angles


def _on_cpu(maker: TableMaker) -> tuple[Callable[..., Any], MakerCall] | None:
    """The function and call to try on the CPU first; None: it does not run there.

    Elsewhere an index past the end of a table may end the process.
    """
    call = replace(maker.call, device="cpu")
    if maker.on_cpu is None:
        return None
    runs = maker.call.device == "cpu" or tables_or_none(maker.on_cpu, call) is not None
    return (maker.on_cpu, call) if runs else None


def _of_kept_length(maker: TableMaker, position: int) -> list[Remark]:
    """Say that few rows are others than before, once a longer sequence was asked for."""
    count = len(maker.tables.angles)
    again = tables_at(maker.function, maker.call, torch.arange(count))
    if same_row(again.angles[1], maker.tables.angles[1], ROUNDINGS * maker.eps):
        return []
    words = (
        f"keeps the frequencies of the longest sequence: after position {position} was asked for, "
        "the first rows differ from before"
    )
    evidence = f"rows 0 to {count - 1}, before position {position} and after"
    few = "torch.tensor([[0, 1, 2]])"
    calls = (
        (few, "few rows"),
        (f"torch.tensor([[0, 1, {position}]])", "a longer sequence"),
        (few, "as at first"),
    )
    code = maker.snippet(calls) if maker.call.positions == "given" else None
    mistake = code is not None and config_of(maker.function).kind == "dynamic"
    finding = remark("kept-length", words, evidence, mistake=mistake)
    return [structs.replace(finding, demonstration=code)]
