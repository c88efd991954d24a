"""Functions and modules that make tables: how they are called, what comes back, and which angles it stands for."""

import ast
import itertools
import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import role_of, vocabulary
from rotcheck.convention.vocabulary import Names, on_cuda, said
from rotcheck.identify.angles.object_config import config_of, layer_types
from rotcheck.identify.calling.keyword_choices import choices
from rotcheck.identify.calling.templates import Parameter, parameters
from rotcheck.identify.making.table_forms import Built, NotTables, read
from rotcheck.implementations.instances import copied
from rotcheck.measure.device import call

HEAD_DIM = 64
BASE = 10000.0
BATCH, HEADS = 2, 7
CHANNELS = 4  # of an image
FEW_ROWS = 9  # of the table that is looked at first
STILL = 1e-6  # radians
LAYER_TYPE = "layer_type"  # of a module that keeps frequencies for layers of several kinds
POINT_AXES = ("sc", "1sc", "c1s", "cs")
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
_UNKNOWN = ("D", "S", "x", "positions")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a builder is called, and where: what each argument is, `name=` in front of one passed by keyword."""

    arguments: tuple[str, ...]
    positions: str
    """`given`: it takes positions; `length`, `x`: so many rows from 0; `none`: what it holds; `image`: one a patch."""
    x_axes: str = "bshd"
    device: str = "cpu"  # on which its arguments are made
    point_axes: str = (
        ""  # of positions that are points: "sc", "c1s", c their coordinates; empty: places in a row
    )
    coordinates: int = 0  # of a point
    sides: tuple[
        int, ...
    ] = ()  # of an image that it is handed, in patches: rows and columns, frames before them
    patch: tuple[int, ...] = ()  # elements of a patch along each side

    @property
    def weights(self) -> Tensor:
        """How often a position is counted in each coordinate of its point, (C,)."""
        return torch.arange(1, self.coordinates + 1)

    def grid(self, length: int, returned: Any) -> bool:
        """Return whether it was told two lengths and made rows for all pairs of them."""
        tensors = returned if isinstance(returned, (tuple, list)) else (returned,)
        twice = sum(role_of(argument) == "S" for argument in self.arguments) == 2
        rows = [tuple(one.shape) for one in tensors if isinstance(one, Tensor)]
        return twice and any(length * length in shape or shape.count(length) == 2 for shape in rows)

    @property
    def shown(self) -> str:
        """The call in words."""
        return f"f({', '.join(self.told)})"

    @property
    def told(self) -> tuple[str, ...]:
        """The arguments, with the device's own name where one is asked for."""
        parts = [argument.rpartition("=") for argument in self.arguments]
        return tuple(
            f"{name}{equals}{self.device if role == 'device' else role}"
            for name, equals, role in parts
        )


def recipes(function: Callable[..., Any], device: torch.device) -> list[Recipe]:
    """Return the calls that may make tables on a device, likeliest first."""
    found = parameters(function) or []
    kinds = layer_types(function)
    required = [
        p
        for p in found
        if p.required or on_cuda(p.name, p.default) or (kinds and p.name == LAYER_TYPE)
    ]
    optional = [p for p in found if p not in required and _roles(p.name)[0] in ("positions", "S")]
    tried: dict[Recipe, None] = {}
    for extra in ([], *([p] for p in optional)):
        for recipe in itertools.islice(_of(function, [*required, *extra], kinds), 60):
            tried.setdefault(recipe)
    counting = [recipe for recipe in tried if recipe.positions == "x" and recipe.x_axes == "bshd"]
    without_heads = [replace(recipe, x_axes=axes) for axes in ("bsd", "sd") for recipe in counting]
    return [replace(recipe, device=str(device)) for recipe in (*tried, *without_heads)]


def _of(
    function: Callable[..., Any], given: list[Parameter], kinds: Sequence[str]
) -> Iterator[Recipe]:
    layers = tuple(map(repr, kinds))
    names = [p.name for p in given]
    for roles in itertools.product(
        *(
            layers
            if p.name == LAYER_TYPE
            else choices(function, p.name, p.kind) or _roles(p.name, names)
            for p in given
        )
    ):
        positions = roles.count("positions") + roles.count("float")
        if positions > 1 or roles.count("x") > 1 or roles.count("S") > 2:
            continue
        named = [p.keyword or not p.required for p in given]
        arguments = tuple(
            f"{p.name}={role}" if by else role for p, role, by in zip(given, roles, named)
        )
        asks = (
            "given" if {"positions", "float"} & set(roles) else "length" if "S" in roles else "none"
        )
        for axes in ("bshd", "bhsd") if {"x", "positions"} & set(roles) else ("bshd",):
            yield Recipe(arguments, "x" if asks == "none" and "x" in roles else asks, axes)


def _roles(name: str, beside: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what an argument may be by its name; `beside`: the names of all of them."""
    if name == "t":
        return ("positions", "float", "x", "S")
    if name == "width":
        return ("S",) if "height" in beside else ("S", "D")
    return next((found for names, found in _ROLES if said(name, names)), _UNKNOWN)


def build(
    function: Callable[..., Any],
    recipe: Recipe,
    positions: Tensor,
    dtype: torch.dtype,
    width: int = HEAD_DIM,
    fill: float = 0.0,
) -> Built:
    """Call a builder for integer positions (S,) and read what comes back.

    `dtype` is that of a tensor it may be shown, `fill` its elements. One that counts from 0 makes as many rows as the
    largest position asks for, of which those asked for are returned. Raises `NotTables`, and what the builder raises.
    """
    length = len(positions) if recipe.positions == "given" else int(positions.max()) + 1
    if recipe.sides:
        length = math.prod(recipe.sides)
    returned = called(function, recipe, positions, length, dtype, width, fill)
    if recipe.grid(length, returned):
        return _of_grid(returned, length)
    whole = read(returned, length)
    if recipe.positions == "given" or recipe.sides:
        return whole
    rows = positions
    return replace(whole, cos=whole.cos[rows], sin=whole.sin[rows])


def _of_grid(returned: Any, length: int) -> Built:
    """Read the squares of a grid: those of its first row, and where they stand still, the next one too."""
    whole = read(returned, length)
    if bool(whole.angles.abs().max() <= STILL):
        whole = read(returned, length + 1)
    return replace(whole, grid=True)


def called(
    function: Callable[..., Any],
    recipe: Recipe,
    positions: Tensor,
    length: int,
    dtype: torch.dtype = torch.float32,
    width: int = HEAD_DIM,
    fill: float = 0.0,
) -> Any:
    """Call a builder on the recipe's device for integer positions (S,) or so many rows; return what it returns.

    Raises what the builder raises, and `DeviceLost`.
    """
    positional, keyword = _arguments(recipe, positions, length, dtype, width, fill)
    return call(function, torch.device(recipe.device), positional, keyword)


def _laid(recipe: Recipe, positions: Tensor) -> Tensor:
    """Return positions (S,) or (S, C) as they are passed.

    The point of position p is (p, 2p, 3p): were all coordinates alike, pairs of one could pass for those of another.
    """
    if recipe.coordinates:
        points = positions if positions.dim() == 2 else positions[:, None] * recipe.weights
        named = {"s": points.shape[0], "c": recipe.coordinates, "1": 1}
        laid = points if recipe.point_axes.index("s") < recipe.point_axes.index("c") else points.T
        return laid.reshape([named[axis] for axis in recipe.point_axes])
    rows = any("ids" in argument for argument in recipe.arguments) or recipe.x_axes == "bhsd"
    return positions[None] if rows and positions.dim() == 1 else positions


def _arguments(
    recipe: Recipe, positions: Tensor, length: int, dtype: torch.dtype, width: int, fill: float
) -> tuple[list[Any], dict[str, Any]]:
    device = torch.device(recipe.device)
    positions = _laid(recipe, positions).to(device)
    sizes = {"b": BATCH, "s": length, "h": HEADS, "d": width, "c": CHANNELS}
    sizes |= dict(
        zip(recipe.x_axes[-len(recipe.sides) :], map(operator.mul, recipe.sides, recipe.patch))
    )
    kinds: dict[str, Any] = {
        "positions": positions,
        "float": positions.float(),
        "S": length,
        "D": width,
        "B": BATCH,
        "float32": torch.float32,
        "device": recipe.device,
        "inv_freq": 1 / BASE ** (torch.arange(0, width, 2, device=device) / width),  # (P,)
    }
    if any(role_of(argument) == "x" for argument in recipe.arguments):
        kinds["x"] = torch.full(
            [sizes[axis] for axis in recipe.x_axes], fill, dtype=dtype, device=device
        )
    positional, keyword = [], {}
    for argument in recipe.arguments:
        name, _, role = argument.rpartition("=")
        value = kinds[role] if role in kinds else ast.literal_eval(role)
        if name:
            keyword[name] = value
        else:
            positional.append(value)
    return positional, keyword


def _ignores_positions(function: Callable[..., Any], recipe: Recipe, built: Built) -> bool:
    """Return whether tables are the same for other positions."""
    if recipe.positions != "given":
        return False
    try:
        moved = build(copied(function), recipe, torch.arange(FEW_ROWS) + 2, torch.float32)
    except Exception:  # its table is as short as that
        return False
    return torch.equal(moved.cos, built.cos) and torch.equal(moved.sin, built.sin)


def _reads_x(function: Callable[..., Any], recipe: Recipe, built: Built) -> bool:
    """Return whether tables are others for another x, as what adds them to it gives back."""
    if recipe.positions not in ("x", "image"):
        return False
    try:
        other = build(copied(function), recipe, torch.arange(FEW_ROWS), torch.float32, fill=1.0)
    except Exception:  # what it makes of another x is no table
        return True
    return not (torch.equal(other.cos, built.cos) and torch.equal(other.sin, built.sin))


def find(function: Callable[..., Any], device: torch.device) -> tuple[Recipe, Built] | None:
    """Return how a function makes tables, and what it makes for the first `FEW_ROWS` positions; None: it makes none.

    `device`: where it lives, and where what it is called with is made. The likeliest is a call whose rows turn evenly,
    the first pair by a radian; then one for points of several coordinates, then any other, and last one that is
    plainly given positions and heeds none of them.
    """
    every = recipes(function, device)
    best = _in_a_row(function, every)
    if best is not None and not positions_named(function, best[0], vocabulary.POSITIONS):
        return best
    points = _of_points(function, every)
    if points is not None and (best is None or not best[1].steady or _pairs(points) > _pairs(best)):
        return points  # one axis alone would have fewer pairs
    return best or _ignoring(function, every)


def _in_a_row(function: Callable[..., Any], every: Sequence[Recipe]) -> tuple[Recipe, Built] | None:
    best: tuple[Recipe, Built] | None = None
    for recipe in every:
        made = _tables_of(function, recipe)
        if made is None or made.ignores:
            continue
        best = best or (recipe, made)
        if made.steady and abs(made.angles[1].abs().max() - 1.0) < 0.5:
            return recipe, made
    return best


def _pairs(maker: tuple[Recipe, Built]) -> int:
    return maker[1].cos.shape[-1]


def _tables_of(function: Callable[..., Any], recipe: Recipe) -> Built | None:
    try:
        return few(function, recipe, heeded=False)
    except Exception:  # a call that does not suit it, or gives back no tables
        return None


def _of_points(
    function: Callable[..., Any], every: Sequence[Recipe]
) -> tuple[Recipe, Built] | None:
    """Return a call for points of two or three coordinates, or as many as it says, each turning pairs of its own."""
    known = config_of(function)
    counts = dict.fromkeys((2, 3, max(2, known.coordinates or 0)))
    given = [
        one for one in every if "positions" in map(role_of, one.arguments) and one.x_axes == "bshd"
    ]
    for recipe in (one for one in given if positions_named(function, one, vocabulary.POSITIONS)):
        pointed = [
            replace(recipe, point_axes=axes, coordinates=count)
            for count in counts
            for axes in POINT_AXES
        ]
        makers = [
            (each, made) for each in pointed if (made := _tables_of(function, each)) is not None
        ]
        turning = [
            one for one in makers if not one[1].ignores and owners(function, one[0]) is not None
        ]
        if turning:
            told = [one for one in turning if one[0].coordinates == known.coordinates]
            return _likeliest(told or turning, known.head_dim)
    return None


def _likeliest(
    turning: Sequence[tuple[Recipe, Built]], head_dim: int | None
) -> tuple[Recipe, Built]:
    """Return the call for points that fills a head, or where nothing tells its width, that of fewest coordinates."""
    fitting = [one for one in turning if head_dim and one[1].lanes <= head_dim]
    if fitting:
        return max(fitting, key=_pairs)
    fewest = min(recipe.coordinates for recipe, _ in turning)
    return max((one for one in turning if one[0].coordinates == fewest), key=_pairs)


def owners(function: Callable[..., Any], recipe: Recipe) -> tuple[int, ...] | None:
    """Return of each pair the coordinate of a point that it turns with, -1 where it stands still.

    None: some pair turns with several of them or not evenly, or some coordinate turns none.
    """
    turning = []
    for at in range(recipe.coordinates):
        points = torch.zeros(FEW_ROWS, recipe.coordinates, dtype=torch.int64)
        points[:, at] = torch.arange(FEW_ROWS)
        try:
            made = build(copied(function), recipe, points, torch.float32)
        except Exception:  # no tables of such points
            return None
        if not made.steady:
            return None
        turning.append(
            (made.angles - made.angles[0]).abs().amax(0) > STILL
        )  # some pairs turn by 1e-7 a place
    if len({len(pairs) for pairs in turning}) > 1:
        return None
    each = torch.stack(turning)  # (C, P)
    if bool((each.sum(0) > 1).any()) or not bool(each.any(1).all()):
        return None
    return tuple(torch.where(each.any(0), each.int().argmax(0), -1).tolist())


def _ignoring(function: Callable[..., Any], every: Sequence[Recipe]) -> tuple[Recipe, Built] | None:
    """Return a call that is plainly given positions, and gives back the rows from 0 whatever they are."""
    for recipe in every:
        name = positions_named(function, recipe)
        made = _tables_of(function, recipe) if name else None
        if made is not None and made.ignores and made.steady:
            return recipe, replace(made, ignores=name)
    return None


def standing(function: Callable[..., Any], device: torch.device) -> str:
    """Return in words that a call that is plainly given positions makes cos 1 and sin 0; empty: it makes others."""
    far = torch.arange(FEW_ROWS) * 101
    for recipe in recipes(function, device):
        if not positions_named(function, recipe):
            continue
        try:
            made = build(copied(function), recipe, far, torch.float32)
        except Exception:  # a call that does not suit it, or gives back no tables
            continue
        if bool(made.angles.abs().max() <= STILL):
            made_so = "gives cos 1 and sin 0 at every position, so that nothing turns"
            return f"{recipe.shown} {made_so}: are its frequencies 0?"
    return ""


def positions_named(
    function: Callable[..., Any], recipe: Recipe, names: Names = SURELY_POSITIONS
) -> str:
    """Return the parameter that a call passes positions to, if its name is one of these; else the empty string."""
    required = [parameter.name for parameter in parameters(function) or () if parameter.required]
    for at, argument in enumerate(recipe.arguments):
        name, _, role = argument.rpartition("=")
        name = name or (required[at] if at < len(required) else "")
        if role in ("positions", "float") and said(name, names):
            return name
    return ""


def runs(function: Callable[..., Any] | None, recipe: Recipe) -> bool:
    """Return whether a function makes tables in this way too, where there is one."""
    if function is None:
        return False
    try:
        few(function, recipe)
    except Exception:  # it does not run there, or gives back no tables
        return False
    return True


def few(function: Callable[..., Any], recipe: Recipe, *, heeded: bool = True) -> Built:
    """Return what a function makes for the first `FEW_ROWS` positions.

    Raises `NotTables` where that are no tables of these positions, and what the function raises. `heeded`: that it
    heeds no positions raises as well; else it is noted.
    """
    built = build(copied(function), recipe, torch.arange(FEW_ROWS), torch.float32)
    ignores = _ignores_positions(function, recipe, built)
    turning = (
        built.angles if built.grid or recipe.sides else built.angles[1]
    )  # the next square may be in another row
    still = bool(turning.abs().max() <= STILL)
    if still or (ignores and heeded) or _reads_x(function, recipe, built):
        raise NotTables("what comes back are no tables of the positions that it was asked for")
    return replace(built, ignores="positions") if ignores else built
