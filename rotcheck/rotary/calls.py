"""A call of a rotary function: its tensors, tables and positions, put where its convention wants them."""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.rotary.frequencies import inverse_frequencies
from rotcheck.rotary.tables import sections

SIZES = "BSHDR"


@dataclass(frozen=True, slots=True)
class Call:
    """What one call is given: a tensor for each input in the layout, the tables, and the positions if asked for."""

    inputs: tuple[Tensor, ...]
    tables: tuple[Tensor, ...] = ()
    positions: Tensor | None = None
    offset: int | tuple[int, ...] = (
        0  # row of the tables, or position, of the first row; or one for each batch row
    )
    sizes: Mapping[str, int] | None = None  # B, S, H, D and R, where the function asks for them
    starts: tuple[
        int, ...
    ] = ()  # rows at which sequences begin that come one after another; empty: it is one
    padding: int = 0  # rows of padding in front of the first batch row

    def of(self, *inputs: Tensor) -> "Call":
        """Return the same call of other inputs."""
        return replace(self, inputs=inputs)


def arguments(convention: Convention, call: Call) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a call, those by position and those by keyword.

    Raises ValueError for an argument that the convention names and that is nothing we know.
    """
    positional, keyword = [], {}
    tensors = _tensors(convention, call)
    for name, role in parsed(convention.called_with):
        value = _value(role, tensors, call)
        if name:
            keyword[name] = value
        else:
            positional.append(value)
    return positional, keyword


@lru_cache(maxsize=4096)
def parsed(arguments: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return (keyword, role) of each argument; the keyword is empty for one passed by position."""
    split = (argument.rpartition("=") for argument in arguments)
    return tuple((name, role) for name, _, role in split)


def _tensors(convention: Convention, call: Call) -> dict[str, Any]:
    named: dict[str, Any] = (
        dict(zip(convention.slots, call.inputs)) if not convention.packed else {}
    )
    named["qkv"] = named["x"] = call.inputs[0]
    if len(call.tables) == 2:
        named["cos"], named["sin"] = call.tables
    elif call.tables:
        named["table"] = call.tables[0]
    return named


def _value(role: str, tensors: Mapping[str, Any], call: Call) -> Any:
    if role in tensors:
        return tensors[role]
    if role == "positions":
        return call.positions
    if role == "offset":
        return call.offset
    if role == "offsets":
        count = call.sizes["B"] if call.sizes else 1
        each = call.offset if isinstance(call.offset, tuple) else (call.offset,) * count
        return torch.tensor(each, device=call.inputs[0].device)  # (B,)
    if role in SIZES and call.sizes is not None:
        return call.sizes[role]
    if role == "device":
        return call.inputs[0].device
    if role == "sections":
        return list(sections((call.sizes or {})["R"] // 2))
    if role == "inv_freq":
        # (R/2,)
        return inverse_frequencies((call.sizes or {})["R"]).float().to(call.inputs[0].device)
    if role == "cu_seqlens":
        bounds = (*(call.starts or (0,)), (call.sizes or {})["S"])
        # (sequences + 1,)
        return torch.tensor(bounds, dtype=torch.int32, device=call.inputs[0].device)
    if role == "mask":
        return _mask(call)
    if role == "rows":
        return torch.arange((call.sizes or {})["S"], device=call.inputs[0].device)  # (S,)
    if role.startswith("("):
        return tuple(tensors[part] for part in role[1:-1].split(", "))
    if "+" in role:
        return torch.cat([tensors[part] for part in role.split("+")], -1)
    if role.startswith("["):
        return torch.stack([tensors[part] for part in role[1:-1].split(", ")])  # (2, ...)
    if role == "axis":
        return call.sizes["axis"] if call.sizes is not None else 1
    if "|" in role:
        return torch.stack([tensors[part] for part in role.split("|")], -1).flatten(-2)
    return ast.literal_eval(role)


def _mask(call: Call) -> Tensor:
    """Return a mask (B, S) of ones, with zeros where rows are padding."""
    sizes = call.sizes or {}
    mask = torch.ones(sizes["B"], sizes["S"], dtype=torch.int64, device=call.inputs[0].device)
    mask[0, : call.padding] = 0
    return mask


def results(returned: Any, given: Sequence[Tensor], in_place: bool) -> tuple[Any, ...]:
    """Return what a function gave back, one for each tensor that it was given, as far as it gave any."""
    if returned is None and in_place:
        return tuple(given)
    if isinstance(returned, dict):
        returned = tuple(returned.values())
    if isinstance(returned, (tuple, list)) and not isinstance(returned, torch.Size):
        return tuple(returned)[: len(given)]
    return (returned,)


Function = Callable[..., Any]
