"""Functions that are told the height and width of a grid: their calls, and their angles."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import role_of
from rotcheck.identify.calling import candidates
from rotcheck.identify.calling.argument_roles import TENSORS, roles
from rotcheck.identify.calling.call_match import Match, measure_call
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.making.grid_layout import (
    HIGH,
    SQUARES,
    WIDE,
    PatchGrid,
    layout_of,
    why_no_layout,
)
from rotcheck.identify.making.maker_call_candidates import MakerCall
from rotcheck.identify.making.returned_tables import call_maker
from rotcheck.identify.making.table_reading import NotTables, read_tables
from rotcheck.identify.reading.caller import Caller
from rotcheck.identify.reading.probe_sizes import ProbeSizes
from rotcheck.implementations.instances import copy_of
from rotcheck.implementations.size_hints import hints

_HEIGHT = re.compile(r"(grid|feat|num|n|patch(es)?)?_?(h|height|rows)|end_y")
_WIDTH = re.compile(r"(grid|feat|num|n|patch(es)?)?_?(w|width|cols|columns)|end_x")
UNKNOWN_SIDES = "its rows are those of a grid, and rotcheck does not know which side is which"


def side_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """What a function calls height and width, if it is told both; empty: it is not."""
    names = _parameter_names(function)
    return tuple(names[at] for at in side_places(function) or ())


def side_places(function: Callable[..., Any]) -> tuple[int, int] | None:
    """The places of height and width among the required parameters; None: one is missing."""
    names = [name.lower() for name in _parameter_names(function)]
    high = [at for at, name in enumerate(names) if _HEIGHT.fullmatch(name)]
    wide = [at for at, name in enumerate(names) if _WIDTH.fullmatch(name)]
    return (high[0], wide[0]) if len(high) == len(wide) == 1 else None


def _parameter_names(function: Callable[..., Any]) -> list[str]:
    return [parameter.name for parameter in parameters(function) or () if parameter.mandatory]


def _with_sides(
    function: Callable[..., Any], arguments: tuple[str, ...], high: int, wide: int
) -> tuple[str, ...]:
    """The arguments of a call for a grid so many squares high and wide."""
    places = side_places(function)
    assert places is not None, "it is given the sides of a grid"
    sides = dict(zip(places, (str(high), str(wide))))
    return tuple(sides.get(at, argument) for at, argument in enumerate(arguments))


def table_layout(function: Callable[..., Any], call: MakerCall) -> PatchGrid | str:
    """How the tables of a grid are laid, or in words why that is not understood."""
    places = side_places(function)
    if places is None or max(places) >= len(call.arguments):
        return UNKNOWN_SIDES
    try:
        angles = table_angles(function, call, HIGH, WIDE)
    except Exception:  # it takes squares only, or gives back no tables; a maker may raise anything
        return UNKNOWN_SIDES
    return layout_of(angles) or why_no_layout(angles)


def table_angles(function: Callable[..., Any], call: MakerCall, high: int, wide: int) -> Tensor:
    """The angles (high * wide, P) of a maker. Raises what it raises, and `NotTables`."""
    squares = high * wide
    grid_call = replace(call, arguments=_with_sides(function, call.arguments, high, wide))
    result = call_maker(copy_of(function), grid_call, torch.arange(squares), squares)
    return read_tables(_flatten(result, high, wide), squares).angles


def _flatten(result: Any, high: int, wide: int) -> Any:
    """Tables with the two axes of a grid made one."""
    if isinstance(result, dict):
        result = tuple(result.values())
    if isinstance(result, (tuple, list)):
        return tuple(_flatten(part, high, wide) for part in result)
    if not isinstance(result, Tensor):
        raise NotTables(f"returns {type(result).__name__}")
    for at in range(result.dim() - 1):
        if tuple(result.shape[at : at + 2]) in ((high, wide), (wide, high)):
            return result.flatten(at, at + 1)
    return result


def find_rotation(function: Callable[..., Any], device: torch.device) -> Match | None:
    """How a function that is told both sides rotates the squares of a grid; None: it does not."""
    arguments = _arguments(function)
    if arguments is None:
        return None
    for width in (*hints(function).widths[:2], 64):
        probe = ProbeSizes(2, SQUARES, 3, width, width, tuple(range(SQUARES)))
        match = _first_grid(Caller(copy_of(function), device, probe), arguments)
        if match is not None:
            return match
    return None


def _arguments(function: Callable[..., Any]) -> tuple[str, ...] | None:
    """The call of a function that takes sides and tensors alone; None: it takes others."""
    places = side_places(function)
    if places is None:
        return None
    sides = dict(zip(places, (str(HIGH), str(WIDE))))
    arguments = []
    for at, name in enumerate(_parameter_names(function)):
        tensor = next((role for role in roles(name) if role in TENSORS), None)
        argument = sides.get(at, tensor)
        if argument is None:
            return None
        arguments.append(argument)
    if [role for role in map(role_of, arguments) if role in TENSORS] == ["q"]:
        arguments = ["x" if argument == "q" else argument for argument in arguments]
    return tuple(arguments)


def _first_grid(caller: Caller, arguments: tuple[str, ...]) -> Match | None:
    """The first call with these arguments that turns the squares of a grid."""
    x = torch.randn(1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for convention in (call for group in candidates.candidates(arguments) for call in group):
        try:
            caller.call(convention, [x.expand(caller.shape(convention))] * len(convention.slots))
            match = measure_call(caller, convention)
        except Exception:  # it takes another layout; a function may raise anything
            continue
        angles = match.reading.angles
        if match.exact and angles is not None and layout_of(angles) is not None:
            return match
    return None


def rotation_layout(match: Match) -> PatchGrid | None:
    """How squares turn in a call that was found by its sides; None: it was found otherwise."""
    angles = match.reading.angles
    by_sides = (
        side_places(match.caller.function) is not None and match.caller.probe.length == SQUARES
    )
    return layout_of(angles) if by_sides and angles is not None else None


def rotation_angles(match: Match, high: int, wide: int) -> Tensor:
    """The angles (high * wide, P) by which a function turns squares. Raises what it raises."""
    caller, squares = match.caller, high * wide
    arguments = _with_sides(caller.function, match.convention.arguments, high, wide)
    probe = replace(caller.probe, batch=1, length=squares, positions=tuple(range(squares)))
    grid_caller = Caller(copy_of(caller.function), caller.device, probe, caller.dtype)
    cos, sin = grid_caller.pair_cos_sin(replace(match.convention, arguments=arguments))
    return torch.atan2(sin, cos) * match.convention.direction
