"""A call of a rotary function: its tensors, tables and positions,
put where its convention wants them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rotcheck.convention.convention import Convention
from rotcheck.convention.roles import Role, role_named

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Call:
    """What one call is given: a tensor for each input in the layout, the tables,
    and the positions if asked for."""

    inputs: "tuple[Tensor, ...]"
    tables: "tuple[Tensor, ...]" = ()
    positions: "Tensor | None" = None
    # row of the tables, or position, of the first row; or one for each batch row
    offset: int | tuple[int, ...] = 0
    # B, S, H, D, R and `axis`, where the function asks for them
    sizes: Mapping[str, int] = field(default_factory=dict)
    # rows at which sequences begin that come one after another; empty: it is one
    starts: tuple[int, ...] = ()
    padding: int = 0  # rows of padding in front of the first batch row

    def of(self, *inputs: "Tensor") -> "Call":
        """The same call of other inputs."""
        return replace(self, inputs=inputs)


def arguments(convention: Convention, call: Call) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call, those by position and those by keyword.

    Raises ValueError for an argument that the convention names and that is nothing we know.
    """
    positional, keyword = [], {}
    tensors = _tensors(convention, call)
    for name, role in _roles(convention.called_with):
        value = role.value(call, tensors)
        if name:
            keyword[name] = value
        else:
            positional.append(value)
    return positional, keyword


@lru_cache(maxsize=4096)
def keyword_roles(arguments: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """(keyword, role) of each argument; the keyword is empty for one passed by position."""
    split = (argument.rpartition("=") for argument in arguments)
    return tuple((name, role) for name, _, role in split)


@lru_cache(maxsize=4096)
def _roles(arguments: tuple[str, ...]) -> tuple[tuple[str, Role], ...]:
    """(keyword, role) of each argument, resolved once."""
    return tuple((name, role_named(role)) for name, role in keyword_roles(arguments))


def _tensors(convention: Convention, call: Call) -> dict[str, Any]:
    tensors: dict[str, Any] = (
        dict(zip(convention.slots, call.inputs)) if not convention.is_packed else {}
    )
    tensors["qkv"] = tensors["x"] = call.inputs[0]
    if len(call.tables) == 2:
        tensors["cos"], tensors["sin"] = call.tables
    elif call.tables:
        tensors["table"] = call.tables[0]
    return tensors


def sizes_of(
    convention: Convention, batch: int, rows: int, heads: int, width: int, rotary_dim: int
) -> dict[str, int]:
    """The sizes of a call by their roles, and which axis of its tensors is the sequence."""
    sizes = {"B": batch, "S": rows, "H": heads, "D": width, "R": rotary_dim}
    return sizes | {"axis": convention.axes.index("s")}


def results(answer: Any, inputs: "Sequence[Tensor]", in_place: bool) -> tuple[Any, ...]:
    """What a function gave back, one for each tensor that it was given, as far as it gave any."""
    import torch

    if answer is None and in_place:
        return tuple(inputs)
    if isinstance(answer, dict):
        answer = tuple(answer.values())
    if isinstance(answer, (tuple, list)) and not isinstance(answer, torch.Size):
        return tuple(answer)[: len(inputs)]
    return (answer,)


Function = Callable[..., Any]
