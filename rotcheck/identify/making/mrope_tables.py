"""Makers of tables whose object has sections for time, height and width: positions (3, ...), as M-RoPE has them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from msgspec import structs

from rotcheck.identify.asking.point_coordinates import AXES, sections_of
from rotcheck.identify.making import table_calls
from rotcheck.identify.making.table_calls import FEW_ROWS, STILL, Recipe
from rotcheck.identify.making.table_forms import Built
from rotcheck.identify.remarks import remark
from rotcheck.identify.telling.maker_snippet import snippet
from rotcheck.implementations.instances import copied
from rotcheck.results import Remark

POINT_AXES = ("c1s", "cs")


def find(function: Callable[..., Any], device: torch.device) -> tuple[Recipe, Built] | None:
    """Return how a function makes tables of positions for time, height and width; None: it does not."""
    if not sections_of(function):
        return None
    for recipe in table_calls.recipes(function, device):
        if not table_calls.positions_named(function, recipe):
            continue
        for axes in POINT_AXES:
            pointed = replace(recipe, point_axes=axes, coordinates=len(AXES))
            try:
                made = table_calls.few(function, pointed)
            # it takes no such positions, or gives back a table for each of the three
            except Exception:
                continue
            if made.steady:
                return pointed, made
    return None


def idle(function: Callable[..., Any], recipe: Recipe, built_as: str | None) -> list[Remark]:
    """Return which of time, height and width turn nothing."""
    names = [name for axis, name in enumerate(AXES) if not _turns(function, recipe, axis)]
    if not names or len(names) == len(AXES):
        return []
    words = f"of positions (3, ...) {' and '.join(names)} turn nothing"
    rows = [[0, 0, 0] if name in names else [0, 1, 2] for name in AXES]
    moved = [[5, 6, 7] if name in names else [0, 1, 2] for name in AXES]
    calls = (
        (_positions(recipe, rows), f"{' and '.join(names)} are 0"),
        (_positions(recipe, moved), "the same; the pairs of their sections should have turned"),
    )
    found = remark("coordinates", words, "positions of which one row after another is not 0")
    return [structs.replace(found, demonstration=snippet(function, built_as, recipe, calls, 3))]


def contradiction(function: Callable[..., Any], owners: tuple[int, ...] | None) -> str | None:
    """Return that other numbers of pairs turn with time, height and width than an object says; None: as many."""
    said = sections_of(function)
    if not owners or sum(said) != len(owners) or -1 in owners:
        return None
    turning = tuple(owners.count(axis) for axis in range(len(AXES)))
    if sorted(turning) == sorted(said):  # ERNIE lists height and width before time
        return None
    return f"it says sections of {_listed(said)} pairs, and {_listed(turning)} turn with time, height and width"


def _listed(counts: tuple[int, ...]) -> str:
    return ", ".join(map(str, counts))


def _turns(function: Callable[..., Any], recipe: Recipe, axis: int) -> bool:
    points = torch.zeros(FEW_ROWS, len(AXES), dtype=torch.int64)
    points[:, axis] = torch.arange(FEW_ROWS)
    made = table_calls.build(copied(function), recipe, points, torch.float32)
    return bool((made.angles[1] - made.angles[0]).abs().max() > STILL)


def _positions(recipe: Recipe, rows: list[list[int]]) -> str:
    return f"torch.tensor({rows if recipe.point_axes == 'cs' else [[row] for row in rows]})"
