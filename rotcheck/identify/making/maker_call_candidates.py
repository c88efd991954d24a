"""The calls that may make tables: what each argument may be by its name, likeliest first."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import role_of, vocabulary
from rotcheck.convention.vocabulary import Names, is_named, on_cuda
from rotcheck.identify.angles.object_config import layer_types
from rotcheck.identify.calling.keyword_choices import choices
from rotcheck.identify.calling.parameters import Parameter, parameter_of, parameters

HEAD_DIM = 64
BASE = 10000.0
BATCH, HEADS = 2, 7
MOST_CALLS = 60  # with one set of arguments
LAYER_TYPE = "layer_type"  # of a module that keeps frequencies for layers of several kinds
SURELY_POSITIONS = re.compile(
    r"(input_)?(pos|position|positions)_?ids?|(input_|token_)?positions|input_pos"
)

_ROLES: tuple[tuple[Names, tuple[str, ...]], ...] = (
    (vocabulary.QUERY, ("x",)),
    (vocabulary.KEY, ("x",)),
    (vocabulary.VALUE, ("x",)),
    (vocabulary.OFFSET, ("0",)),
    (vocabulary.POSITIONS, ("positions", "float", "S")),
    (vocabulary.GRID, ("S",)),
    (vocabulary.BATCH, ("B",)),
    (vocabulary.LENGTH, ("S",)),
    (vocabulary.ROTARY_DIM, ("D",)),
    (vocabulary.HEAD_DIM, ("D",)),
    (vocabulary.BASE, ("10000.0",)),
    (vocabulary.FACTOR, ("1.0",)),
    (vocabulary.DTYPE, ("float32",)),
    (vocabulary.DEVICE, ("device",)),
    (vocabulary.INVERSE_FREQUENCIES, ("inv_freq",)),
    (vocabulary.FREQUENCIES, ("inv_freq",)),
    (vocabulary.TENSOR, ("x", "positions")),
)
_ANY_ROLES = ("D", "S", "x", "positions")


@dataclass(frozen=True, slots=True)
class MakerCall:
    """How a maker is called: the role of each argument, `name=` before one passed by keyword.

    Args:
        arguments: the role of each argument.
        positions: `given`: it takes positions; `length`, `x`: so many rows from 0;
            `none`: what it holds; `image`: a row for each patch.
        x_axes: the axes of the tensor that it is shown.
        device: where its arguments are made.
        point_axes: of points, "sc" or "c1s", c their coordinates; empty: places in a row.
        coordinates: of a point.
        sides: of an image that it is handed, in patches: rows and columns, frames before them.
        patch: elements of a patch along each side.
    """

    arguments: tuple[str, ...]
    positions: str
    x_axes: str = "bshd"
    device: str = "cpu"
    point_axes: str = ""
    coordinates: int = 0
    sides: tuple[int, ...] = ()
    patch: tuple[int, ...] = ()

    @property
    def weights(self) -> Tensor:
        """How often a position is counted in each coordinate of its point, (C,)."""
        return torch.arange(1, self.coordinates + 1)

    @property
    def roles(self) -> tuple[str, ...]:
        """What each argument is, without its name."""
        return tuple(map(role_of, self.arguments))

    @property
    def words(self) -> str:
        """The call in words."""
        return f"f({', '.join(self.argument_words)})"

    @property
    def argument_words(self) -> tuple[str, ...]:
        """The arguments, with the device's own name for one that asks for it."""
        parts = [argument.rpartition("=") for argument in self.arguments]
        return tuple(
            f"{name}{equals}{self.device if role == 'device' else role}"
            for name, equals, role in parts
        )

    def makes_grid(self, length: int, result: Any) -> bool:
        """Whether it was told two lengths and made rows for all pairs of them."""
        if self.roles.count("S") != 2:
            return False
        tensors = result if isinstance(result, (tuple, list)) else (result,)
        shapes = [tuple(tensor.shape) for tensor in tensors if isinstance(tensor, Tensor)]
        return any(length * length in shape or shape.count(length) == 2 for shape in shapes)


def maker_calls(function: Callable[..., Any], device: torch.device) -> list[MakerCall]:
    """The calls that may make tables on a device, likeliest first."""
    signature = parameters(function) or []
    layers = layer_types(function)
    needs = [
        place
        for place in signature
        if place.mandatory
        or on_cuda(place.name, place.default)
        or (layers and place.name == LAYER_TYPE)
    ]
    optional = [
        place
        for place in signature
        if place not in needs and _roles(place.name)[0] in ("positions", "S")
    ]
    calls: dict[MakerCall, None] = {}
    for extra in ([], *([parameter] for parameter in optional)):
        group = _with_arguments(function, [*needs, *extra], layers)
        calls.update(dict.fromkeys(itertools.islice(group, MOST_CALLS)))
    counting = [call for call in calls if call.positions == "x" and call.x_axes == "bshd"]
    without_heads = [replace(call, x_axes=axes) for axes in ("bsd", "sd") for call in counting]
    return [replace(call, device=str(device)) for call in (*calls, *without_heads)]


def _with_arguments(
    function: Callable[..., Any], places: Sequence[Parameter], layers: Sequence[str]
) -> Iterator[MakerCall]:
    """The calls with these arguments, each in every role that its name allows."""
    names = [parameter.name for parameter in places]
    options = (
        tuple(map(repr, layers))
        if parameter.name == LAYER_TYPE
        else choices(function, parameter.name, parameter.kind) or _roles(parameter.name, names)
        for parameter in places
    )
    for roles in itertools.product(*options):
        positions = roles.count("positions") + roles.count("float")
        if positions > 1 or roles.count("x") > 1 or roles.count("S") > 2:
            continue
        arguments = tuple(
            f"{parameter.name}={role}" if parameter.keyword or not parameter.mandatory else role
            for parameter, role in zip(places, roles)
        )
        kind = (
            "given" if positions else "length" if "S" in roles else "x" if "x" in roles else "none"
        )
        for axes in ("bshd", "bhsd") if {"x", "positions"} & set(roles) else ("bshd",):
            yield MakerCall(arguments, kind, axes)


def _roles(name: str, beside: Sequence[str] = ()) -> tuple[str, ...]:
    """What an argument may be by its name; `beside`: the names of all of them."""
    if name == "t":
        return ("positions", "float", "x", "S")
    if name == "width":
        return ("S",) if "height" in beside else ("S", "D")
    return next((roles for names, roles in _ROLES if is_named(name, names)), _ANY_ROLES)


def position_name(
    function: Callable[..., Any], call: MakerCall, names: Names = SURELY_POSITIONS
) -> str:
    """The parameter that a call passes positions to, if its name is one of these; else empty."""
    places = parameters(function) or ()
    for at, argument in enumerate(call.arguments):
        place = parameter_of(argument, at, places)
        if place and role_of(argument) in ("positions", "float") and is_named(place.name, names):
            return place.name
    return ""
