"""Tables of points of two coordinates or more: which pairs turn with which coordinate."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from rotcheck.convention import vocabulary
from rotcheck.identify.angles.object_config import config_of
from rotcheck.identify.making.maker_call_candidates import MakerCall, position_name
from rotcheck.identify.making.pair_owners import owners_of
from rotcheck.identify.making.returned_tables import FEW_ROWS, STILL, tables_at, tables_or_none
from rotcheck.identify.making.table_reading import RotaryTables
from rotcheck.implementations.instances import copy_of

POINT_AXES = ("sc", "1sc", "c1s", "cs")
MakerMatch = tuple[MakerCall, RotaryTables]
"""How a function makes tables, and what it makes for the first positions."""


def find(function: Callable[..., Any], calls: Sequence[MakerCall]) -> MakerMatch | None:
    """A call for points of 2, 3 or as many coordinates as it says, each with pairs of its own."""
    config = config_of(function)
    counts = dict.fromkeys((2, 3, max(2, config.coordinates or 0)))
    for call in calls:
        if (
            "positions" not in call.roles
            or call.x_axes != "bshd"
            or not position_name(function, call, vocabulary.POSITIONS)
        ):
            continue
        point_calls = (
            replace(call, point_axes=axes, coordinates=count)
            for count in counts
            for axes in POINT_AXES
        )
        makers = [
            maker
            for candidate in point_calls
            if (maker := _of_points(function, candidate)) is not None
        ]
        if makers:
            as_configured = [
                candidate for candidate in makers if candidate[0].coordinates == config.coordinates
            ]
            return likeliest(as_configured or makers, config.head_dim)
    return None


def _of_points(function: Callable[..., Any], call: MakerCall) -> MakerMatch | None:
    tables = tables_or_none(function, call, must_read_positions=False)
    if tables is None or tables.ignores or owners(function, call) is None:
        return None
    return call, tables


def likeliest(makers: Sequence[MakerMatch], head_dim: int | None) -> MakerMatch:
    """The call that fills a head, or if nothing says its width, that of fewest coordinates."""
    fitting = [maker for maker in makers if head_dim and maker[1].lanes <= head_dim]
    if fitting:
        return max(fitting, key=pair_count)
    fewest = min(call.coordinates for call, _ in makers)
    return max((maker for maker in makers if maker[0].coordinates == fewest), key=pair_count)


def pair_count(maker: MakerMatch) -> int:
    """How many pairs the tables are for."""
    return maker[1].cos.shape[-1]


def owners(function: Callable[..., Any], call: MakerCall) -> tuple[int, ...] | None:
    """The coordinate of a point that each pair turns with, -1: it stands still.

    None: some pair turns with several of them or not evenly, or some coordinate turns none.
    """
    turning = []
    for at in range(call.coordinates):
        points = torch.zeros(FEW_ROWS, call.coordinates, dtype=torch.int64)
        points[:, at] = torch.arange(FEW_ROWS)
        try:
            tables = tables_at(copy_of(function), call, points)
        except Exception:  # no tables of such points; a maker may raise anything
            return None
        if not tables.steady:
            return None
        turning.append((tables.angles - tables.angles[0]).abs().amax(0) > STILL)
    if len({len(pairs) for pairs in turning}) > 1:
        return None
    return owners_of(torch.stack(turning))
