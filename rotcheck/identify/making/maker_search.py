"""The search for the call by which a function makes tables, and for what it makes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from rotcheck.convention import vocabulary
from rotcheck.identify.making import image_patches, mrope_tables, point_tables
from rotcheck.identify.making.maker_call_candidates import MakerCall, maker_calls, position_name
from rotcheck.identify.making.point_tables import MakerMatch, pair_count
from rotcheck.identify.making.returned_tables import FEW_ROWS, STILL, tables_at, tables_or_none
from rotcheck.implementations.instances import copy_of


def find(function: Callable[..., Any], device: torch.device) -> MakerMatch | None:
    """How a function makes tables, and what it makes for the first positions; None: it makes none.

    For the patches of an image that it is handed, for M-RoPE's positions, or for others.
    `device`: where it lives, and where its arguments are made.
    """
    return (
        image_patches.find(function, device)
        or mrope_tables.find(function, device)
        or find_for_positions(function, device)
    )


def find_for_positions(function: Callable[..., Any], device: torch.device) -> MakerMatch | None:
    """The same for positions in a row, or for points.

    The likeliest is a call whose rows turn evenly, the first pair by a radian; then one for points
    of several coordinates, then any other, and last one that ignores positions it is plainly given.
    """
    calls = maker_calls(function, device)
    best = _in_a_row(function, calls)
    if best is not None and not position_name(function, best[0], vocabulary.POSITIONS):
        return best
    points = point_tables.find(function, calls)
    if points is None:
        return best or _ignoring_positions(function, calls)
    # one axis alone would have fewer pairs
    if best is None or not best[1].steady or pair_count(points) > pair_count(best):
        return points
    return best


def _in_a_row(function: Callable[..., Any], calls: Sequence[MakerCall]) -> MakerMatch | None:
    best: MakerMatch | None = None
    for call in calls:
        tables = tables_or_none(function, call, must_read_positions=False)
        if tables is None or tables.ignores:
            continue
        best = best or (call, tables)
        if tables.steady and abs(tables.angles[1].abs().max() - 1.0) < 0.5:
            return call, tables
    return best


def _ignoring_positions(
    function: Callable[..., Any], calls: Sequence[MakerCall]
) -> MakerMatch | None:
    """A call that is plainly given positions, and gives back the rows from 0 whatever they are."""
    for call in calls:
        name = position_name(function, call)
        if not name:
            continue
        tables = tables_or_none(function, call, must_read_positions=False)
        if tables is not None and tables.ignores and tables.steady:
            return call, replace(tables, ignores=name)
    return None


def never_turns(function: Callable[..., Any], device: torch.device) -> str:
    """That a call given positions makes cos 1 and sin 0, in words; empty: it makes others."""
    far = torch.arange(FEW_ROWS) * 101
    for call in maker_calls(function, device):
        if not position_name(function, call):
            continue
        try:
            tables = tables_at(copy_of(function), call, far)
        except Exception:  # no call for it, or no tables come back; a maker may raise anything
            continue
        if bool(tables.angles.abs().max() <= STILL):
            return (
                f"{call.words} gives cos 1 and sin 0 at every position, so that nothing turns: "
                "are its frequencies 0?"
            )
    return ""
