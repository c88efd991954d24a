"""Makers of M-RoPE's tables: of positions (3, ...) for time, height and width."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from rotcheck.identify.angles.object_sections import AXES, sections_of
from rotcheck.identify.making.maker_call_candidates import MakerCall, maker_calls, position_name
from rotcheck.identify.making.point_tables import MakerMatch
from rotcheck.identify.making.returned_tables import FEW_ROWS, STILL, tables_at, tables_or_none
from rotcheck.identify.making.table_maker import TableMaker
from rotcheck.implementations.instances import copy_of
from rotcheck.results import Remark

POINT_AXES = ("c1s", "cs")


def find(function: Callable[..., Any], device: torch.device) -> MakerMatch | None:
    """How a function makes tables of positions for time, height and width; None: it does not."""
    if not sections_of(function):
        return None
    for call in maker_calls(function, device):
        if not position_name(function, call):
            continue
        for axes in POINT_AXES:
            point_call = replace(call, point_axes=axes, coordinates=len(AXES))
            tables = tables_or_none(function, point_call)
            if tables is not None and tables.steady:
                return point_call, tables
    return None


def idle_axes(maker: TableMaker) -> list[Remark]:
    """Say which of time, height and width turn nothing."""
    call = maker.call
    names = [name for axis, name in enumerate(AXES) if not _turns(maker.function, call, axis)]
    if not names or len(names) == len(AXES):
        return []
    idle = " and ".join(names)
    zeros = [[0, 0, 0] if name in names else [0, 1, 2] for name in AXES]
    changes = [[5, 6, 7] if name in names else [0, 1, 2] for name in AXES]
    calls = (
        (_positions(call, zeros), f"{idle} are 0"),
        (_positions(call, changes), "the same; the pairs of their sections should have turned"),
    )
    words = f"of positions (3, ...) {idle} turn nothing"
    evidence = "positions with one row after another not 0"
    return [maker.remark("coordinates", words, evidence, calls)]


def contradiction(function: Callable[..., Any], owners: tuple[int, ...] | None) -> str | None:
    """That other numbers of pairs turn with each axis than an object says; None: as many."""
    sections = sections_of(function)
    if not owners or sum(sections) != len(owners) or -1 in owners:
        return None
    counts = tuple(owners.count(axis) for axis in range(len(AXES)))
    if sorted(counts) == sorted(sections):  # ERNIE lists height and width before time
        return None
    return (
        f"it says sections of {_list(sections)} pairs, "
        f"and {_list(counts)} turn with time, height and width"
    )


def _list(counts: Sequence[int]) -> str:
    return ", ".join(map(str, counts))


def _turns(function: Callable[..., Any], call: MakerCall, axis: int) -> bool:
    points = torch.zeros(FEW_ROWS, len(AXES), dtype=torch.int64)
    points[:, axis] = torch.arange(FEW_ROWS)
    angles = tables_at(copy_of(function), call, points).angles
    return bool((angles[1] - angles[0]).abs().max() > STILL)


def _positions(call: MakerCall, rows: list[list[int]]) -> str:
    return f"torch.tensor({rows if call.point_axes == 'cs' else [[row] for row in rows]})"
