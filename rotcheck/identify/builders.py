"""Functions and modules that make tables: how they are called, what comes back, and which angles it stands for."""

import ast
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.identify.templates import Parameter, parameters
from rotcheck.implementations import vocabulary
from rotcheck.implementations.construct import copied
from rotcheck.implementations.vocabulary import Names, on_cuda, said
from rotcheck.measure.device import call, fetch, read_back
from rotcheck.rotary.conventions import Pairing, TableForm, role_of

HEAD_DIM = 64
BATCH, HEADS = 2, 7
FEW_ROWS = 9  # of the table that is looked at first
SLOTS = 3  # of q, k and v
NEAR = 2e-2  # cos of position 0 is nearer to 1 than this, whatever the dtype

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
    (vocabulary.TENSOR, ("x", "positions")),
)
_UNKNOWN = ("D", "S", "x", "positions")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a builder is called, and where: what each argument is, `name=` in front of one passed by keyword."""

    arguments: tuple[str, ...]
    positions: (
        str  # "given": it takes positions; "length": so many rows from 0; "none": it returns what it holds
    )
    x_axes: str = "bshd"
    device: str = "cpu"  # on which its arguments are made

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
            f"{name}{equals}{self.device if role == 'device' else role}" for name, equals, role in parts
        )


@dataclass(frozen=True, slots=True)
class Built:
    """The tables that came back, with their axes put as (S, P)."""

    form: TableForm
    table_lanes: Pairing | None
    cos: Tensor  # (S, P) float64
    sin: Tensor
    dtype: torch.dtype
    order: str  # "cos, sin", "sin, cos", "one tensor"
    axes: str  # of a table as it came back
    amplitude: float
    grid: bool = False  # it makes as many rows as squares of a grid: positions are not 0, 1, 2, ...

    @property
    def angles(self) -> Tensor:
        """The angles (S, P), in (-pi, pi]."""
        return torch.atan2(self.sin, self.cos)


class NotTables(Exception):
    """What came back is no table of a rotation; the message says why."""


def recipes(function: Callable[..., Any], device: torch.device) -> list[Recipe]:
    """Return the calls that may make tables on a device, likeliest first."""
    found = parameters(function) or []
    required = [p for p in found if p.required or on_cuda(p.name, p.default)]
    optional = [p for p in found if p not in required and _roles(p.name)[0] in ("positions", "S")]
    tried: dict[Recipe, None] = {}
    for extra in ([], *([p] for p in optional)):
        for recipe in itertools.islice(_of(required, extra), 60):
            tried.setdefault(recipe)
    counting = [recipe for recipe in tried if recipe.positions == "x" and recipe.x_axes == "bshd"]
    without_heads = [replace(recipe, x_axes=axes) for axes in ("bsd", "sd") for recipe in counting]
    return [replace(recipe, device=str(device)) for recipe in (*tried, *without_heads)]


def _of(required: list[Parameter], extra: list[Parameter]) -> Iterator[Recipe]:
    given = [*required, *extra]
    for roles in itertools.product(*(_roles(p.name) for p in given)):
        if any(roles.count(role) > 1 for role in ("x", "positions", "float")) or roles.count("S") > 2:
            continue
        named = [p.keyword or not p.required for p in given]
        arguments = tuple(f"{p.name}={role}" if by else role for p, role, by in zip(given, roles, named))
        asks = "given" if {"positions", "float"} & set(roles) else "length" if "S" in roles else "none"
        for axes in ("bshd", "bhsd") if {"x", "positions"} & set(roles) else ("bshd",):
            yield Recipe(arguments, "x" if asks == "none" and "x" in roles else asks, axes)


def _roles(name: str) -> tuple[str, ...]:
    if name == "t":
        return ("positions", "float", "x", "S")
    if name == "width":
        return ("S", "D")
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
    returned = called(function, recipe, positions, length, dtype, width, fill)
    whole = read(returned, length)
    if recipe.grid(length, returned):
        whole = replace(whole, grid=True)
    if recipe.positions == "given":
        return whole
    rows = positions
    return replace(whole, cos=whole.cos[rows], sin=whole.sin[rows])


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


def _arguments(
    recipe: Recipe, positions: Tensor, length: int, dtype: torch.dtype, width: int, fill: float
) -> tuple[list[Any], dict[str, Any]]:
    device = torch.device(recipe.device)
    positions = positions.to(device)
    sizes = {"b": BATCH, "s": length, "h": HEADS, "d": width}
    kinds: dict[str, Any] = {
        "positions": positions,
        "float": positions.float(),
        "S": length,
        "D": width,
        "B": BATCH,
        "float32": torch.float32,
        "device": recipe.device,
    }
    if any(role_of(argument) == "x" for argument in recipe.arguments):
        kinds["x"] = torch.full([sizes[axis] for axis in recipe.x_axes], fill, dtype=dtype, device=device)
    if recipe.x_axes == "bhsd" or any("ids" in argument for argument in recipe.arguments):
        kinds["positions"] = positions[None]
    positional, keyword = [], {}
    for argument in recipe.arguments:
        name, _, role = argument.rpartition("=")
        value = kinds[role] if role in kinds else ast.literal_eval(role)
        if name:
            keyword[name] = value
        else:
            positional.append(value)
    return positional, keyword


def read(returned: Any, length: int) -> Built:
    """Read tables of `length` rows, the first of which is position 0 or the next."""
    if isinstance(returned, dict):
        returned = tuple(returned.values())
    if isinstance(returned, (tuple, list)):
        tensors = [fetch(part) for part in returned if isinstance(part, Tensor)]
        if len(tensors) >= 2 and tensors[0].shape == tensors[1].shape:
            return _of_two(tensors[0], tensors[1], length)
        if len(tensors) == 1:
            return _of_one(tensors[0], length)
    if not isinstance(returned, Tensor):
        raise NotTables(f"returns {type(returned).__name__}")
    return _of_one(fetch(returned), length)


def _of_two(first: Tensor, second: Tensor, length: int) -> Built:
    axes, (a, b) = _rows((first, second), length)
    dtype = first.dtype
    if not first.is_floating_point():
        raise NotTables(f"returns two tensors of {dtype}")
    starts_with_cos = float((a[0] - a[0].abs().max()).abs().max()) < NEAR and float(b[0].abs().max()) < NEAR
    cos, sin, order = (
        (a, b, "cos, sin")
        if starts_with_cos or float(a[0].abs().mean()) >= float(b[0].abs().mean())
        else (b, a, "sin, cos")
    )
    made = _paired(cos, sin, dtype, order, axes)
    return replace(made, form="packed") if _spares_v(first, second, axes) else made


def _spares_v(first: Tensor, second: Tensor, axes: str) -> bool:
    """Return whether the tables have a slot for v, of cos 1 and sin 0."""
    if "3" not in axes:
        return False
    slots = sorted(float(table.select(axes.index("3"), 2).float().abs().max()) for table in (first, second))
    still = [float(table.select(axes.index("3"), 2).float().abs().min()) for table in (first, second)]
    return slots == [0.0, 1.0] and max(still) == 1.0


def _of_one(table: Tensor, length: int) -> Built:
    dtype = table.dtype
    if table.is_complex():
        axes, (found,) = _rows((table,), length)
        return _made("complex", None, found.real, found.imag, dtype, "one tensor", axes)
    if not table.is_floating_point():
        raise NotTables(f"returns a tensor of {dtype}")
    if table.dim() >= 3 and table.shape[0] == 2 and length != 2:
        return _of_two(table[0], table[1], length)
    if table.dim() >= 4 and table.shape[-2:] == (2, 2):
        axes, (c, s) = _rows((table[..., 0, 0], table[..., 1, 0]), length)
        return _made("matrix", None, c, s, dtype, "one tensor", axes)
    if table.dim() >= 3 and table.shape[-1] == 2 and table.shape[-2] > 2:
        axes, (c, s) = _rows((table[..., 0], table[..., 1]), length)
        if float((c[0] - 1).abs().max()) < NEAR:
            return _made("stacked", None, c, s, dtype, "one tensor", axes)
    axes, (found,) = _rows((table,), length)
    half = found.shape[-1] // 2
    left, right = found[:, :half], found[:, half:]
    even, odd = found[:, ::2], found[:, 1::2]
    joined = (
        (left, right, "cos+sin"),
        (right, left, "sin+cos"),
        (even, odd, "cos|sin"),
        (odd, even, "sin|cos"),
    )
    for cos, sin, order in joined:
        if (
            half
            and found.shape[-1] % 2 == 0
            and bool((cos[0] - 1).abs().max() < NEAR)
            and bool(sin[0].abs().max() < NEAR)
        ):
            return _paired(cos, sin, dtype, order, axes)
    if bool(found[0].abs().max() < NEAR) and len(found) > 1 and bool(found[1].abs().max() > 1e-3):
        return _angles(found, dtype, axes)
    raise NotTables("returns a tensor that is neither cos and sin nor angles of position 0")


def _angles(found: Tensor, dtype: torch.dtype, axes: str) -> Built:
    lanes = found.shape[-1]
    order = _order(found)
    once = found[:, : lanes // 2] if order == "half" else found[:, ::2] if order == "interleaved" else found
    form: TableForm = "angles-repeated" if order else "angles"
    return _made(form, order, once.cos(), once.sin(), dtype, "one tensor", axes)


def _paired(cos: Tensor, sin: Tensor, dtype: torch.dtype, order: str, axes: str) -> Built:
    lanes = _order(torch.cat((cos, sin), 0))
    if lanes == "half":
        cos, sin = cos[:, : cos.shape[-1] // 2], sin[:, : sin.shape[-1] // 2]
    elif lanes == "interleaved":
        cos, sin = cos[:, ::2], sin[:, ::2]
    return _made("repeated" if lanes else "half-width", lanes, cos, sin, dtype, order, axes)


def _order(table: Tensor) -> Pairing | None:
    """Return in which order a table (S, W) repeats its lanes; None: it does not."""
    width = table.shape[-1]
    if width % 2:
        return None
    if width > 2 and torch.equal(table[:, : width // 2], table[:, width // 2 :]):
        return "half"
    return "interleaved" if torch.equal(table[:, ::2], table[:, 1::2]) else None


def _made(
    form: TableForm,
    lanes: Pairing | None,
    cos: Tensor,
    sin: Tensor,
    dtype: torch.dtype,
    order: str,
    axes: str,
) -> Built:
    norm = torch.hypot(cos, sin)
    amplitude = float(norm.mean())
    if not bool(torch.isfinite(norm).all()):
        raise NotTables("returns tables with NaN or infinite elements")
    if amplitude < 0.05 or bool((norm - amplitude).abs().max() > 0.05 * amplitude):
        raise NotTables(
            "returns two tensors that are no cos and sin: their squares do not sum up to the same"
        )
    return Built(form, lanes, cos, sin, dtype, order, axes, amplitude)


def _rows(tables: tuple[Tensor, ...], length: int) -> tuple[str, tuple[Tensor, ...]]:
    """Return the axes of tables and the tables as (S, W) in float64; rows beyond the length are cut off."""
    shape = tables[0].shape
    if len(shape) < 2:
        raise NotTables(f"returns a tensor of shape {tuple(shape)}")
    candidates = [at for at in range(len(shape) - 1) if shape[at] == length]
    candidates = candidates or [at for at in range(len(shape) - 1) if shape[at] > length and shape[at] > 1]
    if not candidates:
        raise NotTables(f"returns a tensor of shape {tuple(shape)}, and no axis of it has {length} rows")
    at = candidates[-1]
    last = len(shape) - 1
    named = {at: "s", last: "w"} | {here: "3" for here in range(last) if here != at and shape[here] == SLOTS}
    axes = "".join(named.get(here, "1" if shape[here] == 1 else "b") for here in range(len(shape)))
    alike = [here for here, axis in enumerate(axes) if axis == "b" and shape[here] != length]  # else a grid's
    whole = tuple(read_back(table).movedim(at, 0)[:length] for table in tables)
    for here in alike:
        if not all(_same_along(table, here + (here < at)) for table in whole):
            raise NotTables(
                f"returns a tensor of shape {tuple(shape)} that holds another table for each of {shape[here]}"
            )
    return axes, tuple(table.reshape(len(table), -1, shape[-1])[:, 0] for table in whole)


def _same_along(table: Tensor, axis: int) -> bool:
    """Return whether all parts of a table along an axis are the same, as those of batch rows are, and of heads."""
    return torch.allclose(table, table.narrow(axis, 0, 1).expand_as(table), atol=1e-6)


def _ignores_positions(function: Callable[..., Any], recipe: Recipe, built: Built) -> bool:
    """Return whether tables are the same for other positions: then what was given is something else."""
    if recipe.positions != "given":
        return False
    try:
        moved = build(copied(function), recipe, torch.arange(FEW_ROWS) + 2, torch.float32)
    except Exception:  # its table is as short as that
        return False
    return torch.equal(moved.cos, built.cos) and torch.equal(moved.sin, built.sin)


def _reads_x(function: Callable[..., Any], recipe: Recipe, built: Built) -> bool:
    """Return whether tables are others for another x, as what adds them to it gives back."""
    if recipe.positions != "x":
        return False
    try:
        other = build(copied(function), recipe, torch.arange(FEW_ROWS), torch.float32, fill=1.0)
    except Exception:  # what it makes of another x is no table
        return True
    return not (torch.equal(other.cos, built.cos) and torch.equal(other.sin, built.sin))


def _is_none(function: Callable[..., Any], recipe: Recipe, built: Built) -> bool:
    """Return whether what came back are no tables of the positions that it was asked for."""
    still = bool(built.angles[1].abs().max() <= 1e-6)
    return still or _ignores_positions(function, recipe, built) or _reads_x(function, recipe, built)


def find(function: Callable[..., Any], device: torch.device) -> tuple[Recipe, Built] | None:
    """Return how a function makes tables, and what it makes for the first `FEW_ROWS` positions; None: it makes none.

    `device`: where it lives, and where what it is called with is made.
    """
    best: tuple[Recipe, Built] | None = None
    for recipe in recipes(function, device):
        try:
            built = few(function, recipe)
        except Exception:  # a call that does not suit it, or gives back no tables
            continue
        best = best or (recipe, built)
        if abs(built.angles[1].abs().max() - 1.0) < 0.5:
            return recipe, built
    return best


def runs(function: Callable[..., Any] | None, recipe: Recipe) -> bool:
    """Return whether a function makes tables in this way too, where there is one."""
    if function is None:
        return False
    try:
        few(function, recipe)
    except Exception:  # it does not run there, or gives back no tables
        return False
    return True


def few(function: Callable[..., Any], recipe: Recipe) -> Built:
    """Return what a function makes for the first `FEW_ROWS` positions.

    Raises `NotTables` where that are no tables of these positions, and what the function raises.
    """
    built = build(copied(function), recipe, torch.arange(FEW_ROWS), torch.float32)
    if _is_none(function, recipe, built):
        raise NotTables("what comes back are no tables of the positions that it was asked for")
    return built
