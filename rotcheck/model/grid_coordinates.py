"""Angles that follow several coordinates, whichever way the rows are in_order: those of images."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor

from rotcheck.model.grid_steps import GridSteps, grid_steps
from rotcheck.model.turn_angles import NOISE
from rotcheck.rotary.frequencies import wrap

MOST_AXES = 4  # time, row, column, and one more
FRONTS = (0, 1, 2, 4, 5, 8, 9)  # rows in front of a grid: a class token, registers
MOST_CHOICES = 16  # of pairs that may show the places along an axis
MOST_ALONE = 64  # rows outside the grid, which stand still: a class token, registers, a text
EXACT = 2e-6  # radians: what float32 leaves of an angle that is a mean of several
WHOLE = 0.05  # of a step: how far from an integer a coordinate may be


@dataclass(frozen=True, slots=True)
class GridCoordinates:
    """The places of rows in a grid, read from their angles.

    `places`: (S, A), integers from 0. `steps`: along its axes. `alone`: how many rows are
    not in the grid, and stand still. `copies`: how many grids there are, one behind the other.
    """

    places: Tensor
    steps: GridSteps
    sides: tuple[int, ...]
    alone: int
    copies: int
    truth: Tensor  # (S, P)
    front: int = 0  # rows in front of it, with angles of their own
    line: int = 0  # rows before or behind it, one place apart along the same axes: a text

    @property
    def words(self) -> str:
        """What the rows turn by."""
        size = " x ".join(map(str, self.sides))
        text = f"by place in a grid of {size}"
        text += f", {self.copies} of them" if self.copies > 1 else ""
        text += f"; {self.line} rows beside it by place in a line" if self.line else ""
        text += f"; {self.front} rows in front turn by angles of their own" if self.front else ""
        return text + (f"; {self.alone} rows stand still" if self.alone else "")


def grid_coordinates(angles: Tensor, noise: float) -> GridCoordinates | None:
    """Read places in a grid from the angles (S, P) of rows; None: they follow no grid.

    Every pair has to turn evenly along one axis of it, and the rows have to fill it; but for a few
    in front of it, class tokens, which may turn by angles of their own.
    """
    for start in FRONTS:
        grid = _of_all(angles[start:], noise) if len(angles) >= start + 4 else None
        if grid is not None and not (start and grid.line):  # a text alone is in front
            return _behind(angles[:start], grid) if start else grid
    return None


def _behind(front: Tensor, grid: GridCoordinates) -> GridCoordinates:
    """A grid with rows in front of it."""
    return replace(grid, truth=torch.cat((front, grid.truth)), front=len(front))


def _of_all(angles: Tensor, noise: float) -> GridCoordinates | None:
    tolerance = 10 * noise if noise > NOISE else NOISE
    axes: list[Tensor] = []
    spread = wrap(angles - angles[:1]).abs().amax(0)  # (P,): how far from the first row
    open_pairs = (spread > 2 * tolerance).nonzero().flatten()
    columns = open_pairs[spread[open_pairs].argsort(stable=True)]
    steps = torch.zeros(MOST_AXES, angles.shape[1], dtype=angles.dtype)
    while len(columns):
        if len(axes) == MOST_AXES:
            return None
        places = _places_of_any(angles[:, columns], noise if noise > NOISE else EXACT)
        if places is None:
            return None
        turns = _steps(angles[:, columns], places, tolerance)  # (P,)
        follows = ~turns.isnan()
        if not bool(follows.any()):
            return None
        steps[len(axes), columns[follows]] = turns[follows]
        axes.append(places)
        columns = columns[~follows]
    if len(axes) < 2:
        return None
    for pair in set(range(angles.shape[1])) - set(open_pairs.tolist()):
        axis, step = _slow_step(angles[:, pair], axes)
        steps[axis, pair] = step
    places, steps = torch.stack(axes, -1), steps[: len(axes)]
    grid = _of_places(angles, places, steps, tolerance)
    return grid or _beside_line(angles, places, steps, tolerance)


def _places_of_any(columns: Tensor, noise: float) -> Tensor | None:
    """The integers (S,) that the angles (S, P) of a slow pair are multiples of: of the slowest
    these are rough."""
    some = range(0, columns.shape[1], max(1, columns.shape[1] // MOST_CHOICES))
    choices = (_places(columns[:, pair], noise) for pair in some)
    return next((places for places in choices if places is not None), None)


def _places(column: Tensor, noise: float) -> Tensor | None:
    """The integers (S,) that the angles of the slowest pair are multiples of; from 0."""
    values = wrap(column - column[0])
    if float(values.max() - values.min()) > 1.9 * math.pi:
        return None
    values = values - values.min()
    in_order = values.sort().values
    gaps = in_order.diff()
    gaps = gaps[gaps > max(20 * noise, 0.02 * float(gaps.max()))]
    if not len(gaps):
        return None
    step = float(gaps.min())
    for _ in range(3):  # the step, from all of the rows
        places = (values / step).round()
        step = float((values * places).sum() / places.square().sum().clamp_min(1))
    if bool((values / step - places).abs().max() > WHOLE + noise / step):
        return None
    return places


def _steps(columns: Tensor, places: Tensor, tolerance: float) -> Tensor:
    """By how much pairs (S, P) turn from place to place, (P,); NaN: one does not follow these."""
    order = places.argsort(stable=True)
    sorted_places, sorted_angles = places[order], columns[order]
    following = (sorted_places.diff() == 1).nonzero().flatten()
    if not len(following):
        return torch.full_like(columns[0], torch.nan)
    at = int(following[0])
    steps = wrap(sorted_angles[at + 1] - sorted_angles[at])  # (P,)
    start, line = sorted_angles[:1], places[:, None]
    for limit in (0.5, tolerance):
        off = wrap(columns - start - line * steps)  # (S, P)
        steps = steps.where(off.abs().amax(0) <= limit, torch.nan)
        steps = steps + (off * line).sum(0) / line.square().sum()
    off = wrap(columns - start - line * steps)
    return steps.where(off.abs().amax(0) < tolerance, torch.nan)


def _slow_step(column: Tensor, axes: Sequence[Tensor]) -> tuple[int, float]:
    """The axis that a pair follows best which hardly turns, and by how much it turns a place."""
    values = wrap(column - column[0])
    values = values - values.mean()
    best = (0, 0.0, float(values.square().sum()))
    for axis, places in enumerate(axes):
        offsets = places - places.mean()
        step = float((values * offsets).sum() / offsets.square().sum())
        off = float((values - step * offsets).square().sum())
        best = min(best, (axis, step, off), key=lambda entry: entry[2])
    return best[:2]


def _of_places(
    angles: Tensor, places: Tensor, steps: Tensor, tolerance: float
) -> GridCoordinates | None:
    """The grid that places (S, A) fill, with the same number of rows on each of its squares."""
    still = wrap(angles).abs().amax(1) < tolerance  # (S,)
    for before, after in product(range(MOST_ALONE + 1), (0, *range(1, MOST_ALONE + 1))):
        if before and after:
            continue
        stop = len(places) - after
        if not bool(still[:before].all() and still[stop:].all()) or stop - before < 4:
            continue
        inside = places[before:stop]
        sides = tuple(int(side) + 1 for side in (inside - inside.amin(0)).amax(0).tolist())
        count, rest = divmod(len(inside), math.prod(sides))
        squares = Counter(map(tuple, inside.tolist()))
        if rest or len(squares) != math.prod(sides) or set(squares.values()) != {count}:
            continue
        truth = places @ steps  # (S, P)
        truth = truth + wrap(angles - truth)[before]
        outside = torch.cat((torch.arange(before), torch.arange(stop, len(places))))
        truth[outside] = 0.0
        measured = grid_steps(angles[before:stop], inside)
        return GridCoordinates(inside, measured, sides, before + after, count, truth)
    return None


def _beside_line(
    angles: Tensor, places: Tensor, steps: Tensor, tolerance: float
) -> GridCoordinates | None:
    """The grid that places (S, A) fill but for lines before and behind it: a text and an image."""
    ahead, behind = _line(places), _line(places.flip(0))
    lines = product((ahead, ahead - 1, 0), (behind, behind - 1, 0))
    for before, after in sorted(lines, key=sum):  # the largest grid first
        stop = len(places) - after
        if 1 in (before, after) or not before + after or stop - before < 4:
            continue
        inside = places[before:stop]
        moves = (inside != inside[0]).any(0)  # (A,): along the other axes the image stands still
        if int(moves.sum()) < 2:
            continue
        grid = _of_places(angles[before:stop], inside[:, moves], steps[moves], tolerance)
        if grid is not None and not grid.alone:
            truth = places @ steps  # (S, P)
            truth = truth + wrap(angles - truth)[0]
            return replace(grid, truth=truth, line=before + after)
    return None


def _line(places: Tensor) -> int:
    """How many of the first rows of places (S, A) are one place apart, along the same axes."""
    moves = places.diff(dim=0)  # (S - 1, A)
    unit = (moves.abs().amax(1) == 1) & (moves == moves[0]).all(1)
    return int(unit.int().cumprod(0).sum()) + 1
