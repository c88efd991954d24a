"""Calls of functions that permute rows of q's and k's projections, with numbered rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import is_named
from rotcheck.errors import first_line
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.permuting.row_moves import HEAD_DIM, RowMoves
from rotcheck.implementations.numpy_tensors import array, tensor

HEADS, KV_HEADS = 6, 3  # of q and of k
ROTARY_DIM = 8  # rows of a head that rotate, where a function asks
COLUMNS = HEADS * HEAD_DIM
SLOTS = ("q", "k", "v")
NUMBER_ROLES = {
    "kv_heads": vocabulary.KV_HEADS,
    "heads": vocabulary.HEADS,
    "rotary_dim": vocabulary.ROTARY_DIM,
    "head_dim": vocabulary.HEAD_ROWS,
    "rows": vocabulary.WEIGHT_ROWS,
    "columns": vocabulary.WEIGHT_COLUMNS,
}
WEIGHT_ROLES = {
    "qkv": vocabulary.QKV_WEIGHT,
    **dict(zip(SLOTS, vocabulary.SLOT_WEIGHTS)),
    "w": vocabulary.WEIGHT,
}
Roles = tuple[tuple[str, str], ...]
"""Each argument of a call: its name if it is passed by that, else nothing, and what it is."""


@dataclass(frozen=True, slots=True)
class WeightCall:
    """A call: the heads of each weight, and the numbers of heads of q and k that it is told."""

    roles: Roles
    rows: tuple[int, ...]  # heads in each weight
    heads: int
    kv_heads: int

    @property
    def weight_roles(self) -> list[str]:
        """What each weight is."""
        return [role for _, role in self.roles if role in WEIGHT_ROLES]

    def numbers(self) -> dict[str, int]:
        """The value of each role that is a number."""
        return {
            "heads": self.heads,
            "kv_heads": self.kv_heads,
            "head_dim": HEAD_DIM,
            "rotary_dim": ROTARY_DIM,
            "rows": self.rows[0] * HEAD_DIM,
            "columns": COLUMNS,
        }

    def weights(self) -> list[Tensor]:
        """A weight (rows, COLUMNS) for each, of which every element is another number."""
        sizes = (heads * HEAD_DIM * COLUMNS for heads in self.rows)
        return [torch.arange(size).float().view(-1, COLUMNS) for size in sizes]

    def code(self, names: dict[str, str] | None = None) -> str:
        """The arguments as Python; `names`: what stands for a weight."""
        values = {role: str(value) for role, value in self.numbers().items()} | (names or {})
        return ", ".join(
            f"{name}={values.get(role, role)}" if name else values.get(role, role)
            for name, role in self.roles
        )


def roles_of(function: Callable[..., Any]) -> Roles | None:
    """The roles of arguments that are weights and numbers of heads; None: there are others."""
    roles: list[tuple[str, str]] = []
    gap = False
    for parameter in parameters(function) or ():
        role = _role(parameter.name, parameter.kind)
        if role is None and parameter.mandatory:
            return None
        # `head_dim=None`: it finds that out itself
        finds_out = parameter.nothing and role not in ("heads", "kv_heads")
        if role is None or (not parameter.mandatory and finds_out):
            gap = True
            continue
        roles.append((parameter.name if parameter.keyword or gap else "", role))
    kinds = [role for _, role in roles]
    weights = [role for role in kinds if role in WEIGHT_ROLES]
    numbers = {"heads", "kv_heads", "head_dim"} & set(kinds)
    return tuple(roles) if numbers and weights and len(weights) == len(set(weights)) else None


def _role(name: str, kind: object) -> str | None:
    is_number = kind in (int, float, bool, "int", "float", "bool")
    roles = NUMBER_ROLES if is_number else NUMBER_ROLES | WEIGHT_ROLES
    return next((role for role, names in roles.items() if is_named(name, names)), None)


def weight_calls(roles: Roles) -> Iterator[WeightCall]:
    """The calls to make: as many heads in k as in q, then fewer, in k's weight and in q's."""
    kinds = [role for _, role in roles]
    takes_kv_heads = "kv_heads" in kinds
    slots = tuple(role for role in kinds if role in WEIGHT_ROLES)
    kv_heads = KV_HEADS if takes_kv_heads else HEADS
    equal = WeightCall(roles, (HEADS,) * len(slots), HEADS, HEADS)
    if slots == ("qkv",):
        yield replace(equal, rows=(HEADS + 2 * kv_heads,), kv_heads=kv_heads)
    elif len(slots) > 1:
        rows = tuple(HEADS if slot == "q" else kv_heads for slot in slots)
        yield replace(equal, rows=rows, kv_heads=kv_heads)
    elif not takes_kv_heads:
        yield equal
    elif "heads" not in kinds:  # of k alone
        yield replace(equal, rows=(KV_HEADS,), kv_heads=KV_HEADS)
    else:
        yield equal
        yield replace(equal, rows=(KV_HEADS,), kv_heads=KV_HEADS)
        yield replace(equal, kv_heads=KV_HEADS)


def permute(function: Callable[..., Any], call: WeightCall) -> tuple[RowMoves | None, ...] | str:
    """What becomes of each weight, None: its rows are lost; or in words why nothing came back.

    A function of NumPy gets arrays.
    """
    weights = call.weights()
    try:
        result = _call(function, call, weights)
    except Exception as error:  # that the sizes do not suit it is an answer, whatever it raises
        return f"raises {type(error).__name__}: {first_line(error)[:160]}"
    results = result if isinstance(result, tuple | list) else (result,)
    if len(results) != len(weights):
        return f"returns {len(results)} for {len(weights)} weights"
    return tuple(map(_moves, results, weights))


def _call(function: Callable[..., Any], call: WeightCall, weights: list[Tensor]) -> Any:
    try:
        return _with_weights(function, call, [weight.clone() for weight in weights])
    except Exception:  # of a function of NumPy the next call tells
        if not takes_arrays(function):
            raise
        return _with_weights(function, call, list(map(array, weights)))


def takes_arrays(function: Callable[..., Any]) -> bool:
    """Whether a function is written in NumPy: its module has that, and no torch."""
    names = getattr(function, "__globals__", {})
    return "torch" not in names and any(
        getattr(value, "__name__", "") == "numpy" for value in names.values()
    )


def _with_weights(function: Callable[..., Any], call: WeightCall, weights: list[Any]) -> Any:
    rest, numbers = iter(weights), call.numbers()
    values = [(name, numbers[role] if role in numbers else next(rest)) for name, role in call.roles]
    return function(
        *(value for name, value in values if not name),
        **{name: value for name, value in values if name},
    )


def _moves(result: Any, weight: Tensor) -> RowMoves | None:
    """Which row of a weight arrives in each row of a result; None: these are not its rows."""
    weights = tensor(result) if type(result).__module__ == "numpy" else result
    if not isinstance(weights, Tensor) or weights.numel() != weight.numel():
        return None
    weights = weights.detach().reshape(weight.shape)
    rows = (weights[:, 0] / COLUMNS).round().long().clamp(0, len(weight) - 1)  # (rows,)
    return RowMoves(tuple(rows.tolist())) if torch.equal(weights.float(), weight[rows]) else None
