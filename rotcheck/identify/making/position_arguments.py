"""Whether a maker of tables heeds what it is told: positions, those of each batch row, and where rows begin."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from msgspec import structs
from torch import Tensor

from rotcheck.convention import role_of, vocabulary
from rotcheck.convention.vocabulary import said
from rotcheck.identify.angles.object_config import layer_types
from rotcheck.identify.calling.templates import Parameter, parameters
from rotcheck.identify.making.table_calls import (
    FEW_ROWS,
    LAYER_TYPE,
    Recipe,
    called,
    positions_named,
)
from rotcheck.identify.making.table_forms import Built
from rotcheck.identify.remarks import remark
from rotcheck.identify.telling.maker_snippet import snippet
from rotcheck.implementations.instances import copied
from rotcheck.measure.device import fetch
from rotcheck.results import Remark, Told

MOVED = 3  # rows
SURELY_OFFSET = re.compile(
    "((pos|position|positions|seq|seq_len|seqlen|sequence|rope)_?)?offset|start_(pos|position|index)"
    "|past_(key_values?_|kv_|seq_)?(len|length)|cache_(pos|position|len|length)|cache_update_(index|idx)"
)


@dataclass(slots=True)
class Heeded:
    """What was tried beside the call that makes tables, and what came of it."""

    remarks: list[Remark] = field(default_factory=list)
    evidence: list[Told] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)


def of_arguments(
    function: Callable[..., Any], recipe: Recipe, built: Built, built_as: str | None = None
) -> Heeded:
    """Try other positions, two batch rows of them, and an offset, as far as a maker takes these."""
    heeded = Heeded()
    if built.ignores:
        heeded.remarks.append(_ignored(function, recipe, built.ignores, built_as))
    elif (
        recipe.positions == "given" and not recipe.coordinates and positions_named(function, recipe)
    ):
        _of_rows(heeded, function, recipe, built_as)
    heeded.untried += other_layers(function, recipe)
    for parameter in parameters(function) or ():
        if said(parameter.name, vocabulary.OFFSET) and not recipe.coordinates:
            _of_offset(heeded, function, recipe, parameter, built_as)
        elif not parameter.required and not _passed(parameter.name, recipe):
            heeded.untried.append(parameter.name)
    return heeded


def other_layers(function: Callable[..., Any], recipe: Recipe) -> dict[str, Recipe]:
    """Return the calls that ask for the layers of another kind than a call does, by that argument."""
    kinds = [repr(kind) for kind in layer_types(function)]
    parts = [argument.rpartition("=") for argument in recipe.arguments]
    return {
        f"{LAYER_TYPE}={other}": replace(
            recipe,
            arguments=tuple(
                f"{name}{equals}{other if role in kinds else role}" for name, equals, role in parts
            ),
        )
        for other in kinds
        if other not in [role for _, _, role in parts]
    }


def _passed(name: str, recipe: Recipe) -> bool:
    return any(argument.startswith(f"{name}=") for argument in recipe.arguments)


def begins_at(function: Callable[..., Any], recipe: Recipe) -> str:
    """Return the argument of a call that says where rows begin, and says 0; empty: none does."""
    names = (one.name for one in parameters(function) or ())
    given = [
        (one.rpartition("=")[0] or name, role_of(one)) for name, one in zip(names, recipe.arguments)
    ]
    return next((name for name, role in given if role == "0" and said(name, vocabulary.OFFSET)), "")


def _ignored(
    function: Callable[..., Any], recipe: Recipe, name: str, built_as: str | None
) -> Remark:
    words = f"{name} changes nothing but how many rows come back: they are those of 0, 1, 2, ... whatever it holds"
    calls = (
        ("torch.tensor([[0, 1, 2]])", "rows 0, 1, 2"),
        ("torch.tensor([[5, 6, 7]])", "the same; rows 5, 6, 7 are right"),
    )
    shown = snippet(function, built_as, recipe, calls, 3)
    return _with(remark("positions-ignored", words, "positions 0 to 8, and 2 to 10"), shown)


def _with(found: Remark, demonstration: str | None) -> Remark:
    return structs.replace(found, demonstration=demonstration)


def _tensors(returned: Any) -> list[Tensor]:
    several = tuple(returned.values()) if isinstance(returned, dict) else returned
    parts = several if isinstance(several, (tuple, list)) else (several,)
    return [fetch(part) for part in parts if isinstance(part, Tensor)]


def _raw(
    function: Callable[..., Any], recipe: Recipe, positions: Tensor, length: int
) -> list[Tensor]:
    return _tensors(called(copied(function), recipe, positions, length))


def _of_rows(
    heeded: Heeded, function: Callable[..., Any], recipe: Recipe, built_as: str | None
) -> None:
    """Ask for two batch rows of other positions."""
    one = torch.arange(FEW_ROWS)
    rows = torch.stack((one, (2 * one + 5) % 23))  # (2, S)
    try:
        apart = [_raw(function, recipe, row[None], FEW_ROWS) for row in rows]
        both = _raw(function, recipe, rows, FEW_ROWS)
    except Exception:  # it takes one row of positions, and no batch
        heeded.untried.append("positions (B, S)")
        return
    seen = "two batch rows of other positions, together and each by itself"
    if _same(both, _joined(apart)):
        heeded.evidence.append(Told(field="positions", says="each batch row its own", because=seen))
        return
    summed = _summed(function, recipe, rows)
    words = (
        "adds the positions of all batch rows up: every row turns by their sum, and one row alone is right"
        if summed is not None and _same(both, summed)
        else "uses the positions of the first batch row for all rows"
        if _same(both, _joined([apart[0], apart[0]])) or _same(both, apart[0])
        else ""
    )
    if not words:
        heeded.untried.append("positions (B, S)")
        return
    calls = (
        ("torch.tensor([[0, 1, 2]])", "one row, right"),
        ("torch.tensor([[0, 1, 2], [5, 6, 7]])", "two rows: the first must be as before"),
    )
    shown = snippet(function, built_as, recipe, calls, 3)
    heeded.remarks.append(_with(remark("per-batch", words, seen), shown))


def _summed(function: Callable[..., Any], recipe: Recipe, rows: Tensor) -> list[Tensor] | None:
    try:
        return _raw(function, recipe, rows.sum(0)[None], FEW_ROWS)
    except Exception:  # the sum is past the end of its table
        return None


def _joined(apart: list[list[Tensor]]) -> list[Tensor]:
    """Return the tensors of several calls, one after another along their first axis."""
    return [torch.cat(parts) for parts in zip(*apart)]


def _same(some: list[Tensor], others: list[Tensor]) -> bool:
    """Return whether tensors are the same elements, whatever axes of size 1 they have."""
    return len(some) == len(others) and all(
        one.numel() == other.numel() and torch.allclose(_real(one), _real(other), atol=1e-5)
        for one, other in zip(some, others)
    )


def _real(tensor: Tensor) -> Tensor:
    return (torch.view_as_real(tensor) if tensor.is_complex() else tensor).double().flatten()


def _of_offset(
    heeded: Heeded,
    function: Callable[..., Any],
    recipe: Recipe,
    parameter: Parameter,
    built_as: str | None,
) -> None:
    """Ask for rows from another one on, of a fresh object and of one that was asked for the first rows before."""
    name = parameter.name
    if (
        recipe.positions == "given"
    ):  # which are the rows that it makes: what an offset adds to them is its own affair
        heeded.untried.append(name)
        return
    moved = _with_offset(function, recipe, name, MOVED)
    rows = torch.arange(FEW_ROWS)
    used = copied(function)
    try:
        came = _raw(function, moved, rows, FEW_ROWS)
        usual = _tensors(called(used, recipe, rows, FEW_ROWS))
        after = _tensors(called(used, moved, rows, FEW_ROWS))
        longer = _raw(function, recipe, torch.arange(FEW_ROWS + MOVED + 1), FEW_ROWS + MOVED + 1)
    except Exception:  # it takes no such offset
        heeded.untried.append(name)
        return
    at = _begins(came, usual, longer)
    if at == MOVED and not _same(after, came) and _same(after, usual):
        words = f"gives the same for another {name}: what it keeps from call to call forgets where positions began"
        _add_offset(heeded, function, recipe, name, words, built_as)
    elif at == MOVED:
        seen = f"{name}=0 and {name}={MOVED}, as many rows"
        heeded.evidence.append(Told(field="positions", says=f"from {name} on", because=seen))
    elif at == 0 and recipe.positions != "given" and said(name, SURELY_OFFSET):
        words = f"{name} changes nothing: rows begin at 0 whatever it is"
        _add_offset(heeded, function, recipe, name, words, built_as)
    elif (
        at in (MOVED - 1, MOVED + 1)
        and said(name, SURELY_OFFSET)
        and _begins_at_0(function, recipe, name)
    ):
        words = f"with {name}={MOVED} its rows begin at {at}, with {name}=0 at 0: {MOVED} rows end at {MOVED - 1}"
        _add_offset(heeded, function, recipe, name, words, built_as)
    else:
        heeded.untried.append(name)


def _with_offset(function: Callable[..., Any], recipe: Recipe, name: str, offset: int) -> Recipe:
    names = [each.name for each in parameters(function) or () if each.required]
    at = names.index(name) if name in names else -1
    arguments = [one for one in recipe.arguments if not one.startswith(f"{name}=")]
    if 0 <= at < len(arguments) and "=" not in arguments[at]:
        arguments[at] = str(offset)
    else:
        arguments.append(f"{name}={offset}")
    return replace(recipe, arguments=tuple(arguments))


def _begins_at_0(function: Callable[..., Any], recipe: Recipe, name: str) -> bool:
    """Return whether an offset of 0 gives what none gives."""
    rows = torch.arange(FEW_ROWS)
    none = _raw(function, _with_offset(function, recipe, name, 0), rows, FEW_ROWS)
    return _same(none, _raw(function, recipe, rows, FEW_ROWS))


def _begins(came: list[Tensor], usual: list[Tensor], longer: list[Tensor]) -> int | None:
    """Return with which of the usual rows, and of more of them, others begin; None: with none."""
    axes = _axes(longer, usual)
    if not axes:
        return None
    for at in (MOVED, 0, MOVED + 1, MOVED - 1):
        if _same(came, _from(longer, axes, at, FEW_ROWS)) or _same(
            came, _from(usual, axes, at, FEW_ROWS - at)
        ):
            return at
    return None


def _add_offset(
    heeded: Heeded,
    function: Callable[..., Any],
    recipe: Recipe,
    name: str,
    words: str,
    built_as: str | None,
) -> None:
    calls = (
        (f"{name}=0", "rows 0, 1, 2"),
        (f"{name}={MOVED}", f"rows {MOVED}, {MOVED + 1}, ... are right"),
    )
    shown = snippet(function, built_as, recipe, calls, 3)
    seen = f"{name}=0 and {name}={MOVED}, as many rows"
    heeded.remarks.append(_with(remark("offset-ignored", words, seen), shown))


def _axes(longer: list[Tensor], usual: list[Tensor]) -> list[int]:
    """Return along which axis each tensor has its rows: the one that is longer for more rows; empty: none is."""
    found = [
        next(
            (at for at, (a, b) in enumerate(zip(long.shape, short.shape)) if a == b + MOVED + 1), -1
        )
        for long, short in zip(longer, usual)
    ]
    return [] if -1 in found else found


def _from(tensors: list[Tensor], axes: list[int], first: int, rows: int) -> list[Tensor]:
    """Return so many rows of each."""
    return [one.narrow(axis, first, rows) for one, axis in zip(tensors, axes)]
