"""Grids, as those of an image's patches: which pairs turn with the row and which with the column of a square."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import role_of
from rotcheck.identify.angles.measured_angles import wrap
from rotcheck.identify.calling import candidates
from rotcheck.identify.calling.argument_names import roles
from rotcheck.identify.calling.match import Match, measure_call
from rotcheck.identify.calling.templates import TENSORS, parameters
from rotcheck.identify.making.table_calls import Recipe, called
from rotcheck.identify.making.table_forms import NotTables, read
from rotcheck.identify.reading.caller import Caller
from rotcheck.identify.reading.probe_sizes import ProbeSizes
from rotcheck.identify.remarks import remark
from rotcheck.implementations.instances import copied
from rotcheck.implementations.size_hints import hints
from rotcheck.results import Remark

HIGH, WIDE = 3, 5  # squares: a grid that is no square, since one hides which axis is which
SQUARES = HIGH * WIDE
ALIKE = 1e-4  # radians
_HEIGHT = re.compile(r"(grid|feat|num|n|patch(es)?)?_?(h|height|rows)|end_y")
_WIDTH = re.compile(r"(grid|feat|num|n|patch(es)?)?_?(w|width|cols|columns)|end_x")
UNKNOWN_SIDES = "its rows are those of a grid, of which rotcheck does not know which side is which"
SEEN = f"a grid {HIGH} high and {WIDE} wide, row after row"


@dataclass(frozen=True, slots=True)
class Laid:
    """How the squares of a grid turn, each row after the other."""

    rows: tuple[int, ...]  # pairs that turn with the row of a square alone
    columns: tuple[int, ...]  # with its column alone
    exchanged: bool  # they do so in a grid as wide as this is high, and as high as it is wide

    @property
    def words(self) -> str:
        """Which pairs turn with what."""
        return f"pairs {_some(self.rows)} with the row, {_some(self.columns)} with the column of a square"


def laid(angles: Tensor) -> Laid | None:
    """Return how angles (HIGH * WIDE, P) are laid over a grid; None: as no grid's."""
    for high, wide in ((HIGH, WIDE), (WIDE, HIGH)):
        grid = angles.reshape(high, wide, -1)  # (high, wide, P)
        down, across = _still(grid, 0), _still(grid, 1)
        moving = ~(down & across)
        rows, columns = (across & moving).nonzero().flatten(), (down & moving).nonzero().flatten()
        whole = len(rows) and len(columns) and bool((down | across).all())
        if whole:
            return Laid(tuple(rows.tolist()), tuple(columns.tolist()), high != HIGH)
    return None


def _still(grid: Tensor, axis: int) -> Tensor:
    """Return which pairs (P,) turn alike all along an axis of a grid (high, wide, P)."""
    return wrap(grid - grid.narrow(axis, 0, 1)).abs().amax((0, 1)) < ALIKE


def exchanged(found: Laid) -> list[Remark]:
    """Return that rows and columns are exchanged, which a square does not show."""
    if not found.exchanged:
        return []
    words = (
        f"told a height of {HIGH} and a width of {WIDE}, it turns the squares of a grid {WIDE} high and {HIGH} wide: "
        "rows and columns are exchanged, which is right for squares only"
    )
    return [remark("grid-exchanged", words, SEEN)]


def told_sides(function: Callable[..., Any]) -> tuple[int, int] | None:
    """Return at which places, among its required parameters, a function is told height and width; None: it is not."""
    names = [
        parameter.name.lower() for parameter in parameters(function) or () if parameter.required
    ]
    high = [at for at, name in enumerate(names) if _HEIGHT.fullmatch(name)]
    wide = [at for at, name in enumerate(names) if _WIDTH.fullmatch(name)]
    return (high[0], wide[0]) if len(high) == len(wide) == 1 else None


def names_of_sides(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return what a function calls height and width, where it is told these."""
    names = [parameter.name for parameter in parameters(function) or () if parameter.required]
    return tuple(names[at] for at in told_sides(function) or ())


def of_maker(function: Callable[..., Any], recipe: Recipe) -> Laid | str:
    """Return how the tables that a maker gives for a grid are laid, or in words why that is not understood."""
    sides = told_sides(function)
    if sides is None or max(sides) >= len(recipe.arguments):
        return UNKNOWN_SIDES
    try:
        angles = angles_of(function, recipe, HIGH, WIDE)
    except Exception:  # it takes squares only, or gives back no tables of them
        return UNKNOWN_SIDES
    return laid(angles) or _unlaid(angles)


def angles_of(function: Callable[..., Any], recipe: Recipe, high: int, wide: int) -> Tensor:
    """Return the angles (high * wide, P) that a maker gives for a grid. Raises what it raises, and `NotTables`."""
    sides, arguments, squares = told_sides(function), list(recipe.arguments), high * wide
    assert sides is not None, "it is told the sides of a grid"
    arguments[sides[0]], arguments[sides[1]] = str(high), str(wide)
    asked = replace(recipe, arguments=tuple(arguments))
    returned = called(copied(function), asked, torch.arange(squares), squares)
    return read(_flat(returned, high, wide), squares).angles


def _unlaid(angles: Tensor) -> str:
    """Return why angles (HIGH * WIDE, P) are no grid's, in words."""
    grid = angles.reshape(HIGH, WIDE, -1)  # (high, wide, P)
    for axis, name in enumerate(("row", "column")):
        if bool(_still(grid, axis).all()):
            return f"the {name} of a square turns no pair: {SEEN}"
    return f"its squares are laid out neither row after row nor column after column: {SEEN}"


def _flat(returned: Any, high: int, wide: int) -> Any:
    """Return tables with the two axes of a grid made one."""
    if isinstance(returned, dict):
        returned = tuple(returned.values())
    if isinstance(returned, (tuple, list)):
        return tuple(_flat(part, high, wide) for part in returned)
    if not isinstance(returned, Tensor):
        raise NotTables(f"returns {type(returned).__name__}")
    for at in range(returned.dim() - 1):
        if tuple(returned.shape[at : at + 2]) in ((high, wide), (wide, high)):
            return returned.flatten(at, at + 1)
    return returned


def rotation(function: Callable[..., Any], device: torch.device) -> tuple[Match, Laid] | None:
    """Return how a function that is told height and width rotates the squares of a grid; None: it does not."""
    sides = told_sides(function)
    if sides is None:
        return None
    names = [parameter.name for parameter in parameters(function) or () if parameter.required]
    arguments = []
    for at, name in enumerate(names):
        tensor = next((role for role in roles(name) if role in TENSORS), None)
        told = {sides[0]: str(HIGH), sides[1]: str(WIDE)}.get(at, tensor)
        if told is None:
            return None
        arguments.append(told)
    if [role for role in map(role_of, arguments) if role in TENSORS] == ["q"]:
        arguments = ["x" if one == "q" else one for one in arguments]
    for width in (*hints(function).widths[:2], 64):
        probe = ProbeSizes(2, SQUARES, 3, width, width, tuple(range(SQUARES)))
        found = _rotating(Caller(copied(function), device, probe), tuple(arguments))
        if found is not None:
            return found
    return None


def turned(found: Match, high: int, wide: int) -> Tensor:
    """Return the angles (high * wide, P) by which a function turns the squares of a grid. Raises what it raises."""
    trier, squares, arguments = found.caller, high * wide, list(found.convention.arguments)
    sides = told_sides(trier.function)
    assert sides is not None, "it is told the sides of a grid"
    arguments[sides[0]], arguments[sides[1]] = str(high), str(wide)
    probe = replace(trier.probe, batch=1, length=squares, positions=tuple(range(squares)))
    asked = Caller(copied(trier.function), trier.device, probe, trier.dtype)
    cos, sin = asked.pair_cos_sin(replace(found.convention, arguments=tuple(arguments)))
    return torch.atan2(sin, cos) * found.convention.direction


def _rotating(trier: Caller, arguments: tuple[str, ...]) -> tuple[Match, Laid] | None:
    x = torch.randn(1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for convention in (one for some in candidates.candidates(arguments) for one in some):
        try:
            trier.call(convention, [x.expand(trier.shape(convention))] * len(convention.slots))
            found = measure_call(trier, convention)
        except Exception:  # another layout than it takes
            continue
        how = (
            laid(found.reading.angles) if found.exact and found.reading.angles is not None else None
        )
        if how is not None:
            return found, how
    return None


def _some(pairs: tuple[int, ...]) -> str:
    if pairs == tuple(range(pairs[0], pairs[-1] + 1)):
        return f"{pairs[0]} to {pairs[-1]}"
    return ", ".join(map(str, pairs[:4])) + (f", ..., {pairs[-1]}" if len(pairs) > 4 else "")
