"""Functions that permute the rows of q's and k's projections between pairings, asked with rows that are numbered."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import said
from rotcheck.identify.calling.templates import parameters
from rotcheck.implementations.numpy_tensors import array, tensor

HEADS, KV_HEADS, WIDTH, ROTARY_DIM = (
    6,
    3,
    16,
    8,
)  # of q, of k, rows of a head, of which these rotate where it asks
COLUMNS = HEADS * WIDTH
LEAST = 6  # rows: with fewer both permutations are the same
SLOTS = ("q", "k", "v")
TO_HALVES, TO_NEIGHBOURS, STAYS = "neighbours to halves", "halves to neighbours", "stays"
NAMES = (TO_HALVES, TO_NEIGHBOURS)
Kind = tuple[str, int, int]
"""What is done to the rows of a head, how many of them it moves, and the first of these."""
Roles = tuple[tuple[str, str], ...]
"""Each argument of a call: its name where it is given by that, else nothing, and what it is."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call: the heads of each weight, and what the function is told of the heads of q and of k."""

    roles: Roles
    rows: tuple[int, ...]  # heads in each weight
    heads: int
    kv_heads: int

    def numbers(self) -> dict[str, int]:
        """Return what stands for each role that is a number."""
        return {
            "heads": self.heads,
            "kv_heads": self.kv_heads,
            "head_dim": WIDTH,
            "rotary_dim": ROTARY_DIM,
            "rows": self.rows[0] * WIDTH,
            "columns": COLUMNS,
        }

    def weights(self) -> list[Tensor]:
        """Return a weight (rows, COLUMNS) for each, of which every element is another number."""
        return [
            torch.arange(heads * WIDTH * COLUMNS).float().view(-1, COLUMNS) for heads in self.rows
        ]

    def shown(self, names: dict[str, str] | None = None) -> str:
        """Return the arguments as code; `names`: what stands for a weight."""
        given = {role: str(value) for role, value in self.numbers().items()} | (names or {})
        return ", ".join(
            f"{name}={given.get(role, role)}" if name else given.get(role, role)
            for name, role in self.roles
        )


@dataclass(frozen=True, slots=True)
class Moved:
    """Which row of a weight arrives in each row, and what that is in each head."""

    rows: tuple[int, ...]

    @property
    def heads(self) -> int:
        """How many heads the weight has."""
        return len(self.rows) // WIDTH

    @property
    def complete(self) -> bool:
        """Whether each row arrives once."""
        return sorted(self.rows) == list(range(len(self.rows)))

    def kinds(self, width: int = WIDTH) -> list[Kind | None]:
        """Return what is done to each head; None: no permutation that is known."""
        return [
            _kind([row - first for row in self.rows[first : first + width]])
            for first in range(0, len(self.rows), width)
        ]

    @property
    def kind(self) -> Kind | None:
        """What it is where all heads are alike."""
        kinds = set(self.kinds())
        return next(iter(kinds)) if len(kinds) == 1 else None

    @property
    def as_for(self) -> int | None:
        """For how many heads it would be a known permutation, where that is another number than it has."""
        counts = (
            count for count in range(1, len(self.rows) // LEAST + 1) if len(self.rows) % count == 0
        )
        for count in counts:
            kinds = set(self.kinds(len(self.rows) // count))
            kind = next(iter(kinds)) if len(kinds) == 1 else None
            if (
                count != self.heads
                and kind
                and kind[0] != STAYS
                and kind[1] == len(self.rows) // count
            ):
                return count
        return None


def permuted(kind: Kind, width: int = WIDTH) -> list[int]:
    """Return which row of a head arrives in each of its rows."""
    name, count, first = kind
    moved = [*range(0, count, 2), *range(1, count, 2)]
    if name == TO_NEIGHBOURS:
        moved = [row for at in range(count // 2) for row in (at, at + count // 2)]
    return [*range(first), *(first + row for row in moved), *range(first + count, width)]


def _kind(rows: list[int]) -> Kind | None:
    """Return what the permutation of one head's rows is."""
    width = len(rows)
    if rows == list(range(width)):
        return STAYS, 0, 0
    counts = range(width - width % 2, LEAST - 1, -2)
    known = (
        (name, count, first) for count in counts for first in (0, width - count) for name in NAMES
    )
    return next((kind for kind in known if permuted(kind, width) == rows), None)


def roles(function: Callable[..., Any]) -> Roles | None:
    """Return what each argument is of a function that takes weights and numbers of heads; None: it is another."""
    found: list[tuple[str, str]] = []
    left_out = False
    for one in parameters(function) or ():
        role = _role(one.name, one.kind)
        if role is None and one.required:
            return None
        # `head_dim=None`: it finds that out itself
        kept = one.nothing and role not in ("heads", "kv_heads")
        if role is None or (not one.required and kept):
            left_out = True
            continue
        found.append((one.name if one.keyword or left_out else "", role))
    named = [role for _, role in found]
    weights = [role for role in named if role in (*SLOTS, "qkv", "w")]
    told = {"heads", "kv_heads", "head_dim"} & set(named)
    return tuple(found) if told and weights and len(weights) == len(set(weights)) else None


def _role(name: str, kind: object) -> str | None:
    numbers = (
        (vocabulary.KV_HEADS, "kv_heads"),
        (vocabulary.HEADS, "heads"),
        (vocabulary.ROTARY_DIM, "rotary_dim"),
        (vocabulary.HEAD_ROWS, "head_dim"),
        (vocabulary.WEIGHT_ROWS, "rows"),
        (vocabulary.WEIGHT_COLUMNS, "columns"),
    )
    for names, role in numbers:
        if said(name, names):
            return role
    if kind in (int, float, bool, "int", "float", "bool"):
        return None
    weights = (
        ("qkv", vocabulary.QKV_WEIGHT),
        *zip(SLOTS, vocabulary.SLOT_WEIGHTS),
        ("w", vocabulary.WEIGHT),
    )
    return next((role for role, names in weights if said(name, names)), None)


def ask(function: Callable[..., Any], call: Call) -> tuple[Moved | None, ...] | str:
    """Return what becomes of each weight, None where its rows are not found again; or in words why nothing came back.

    A function of NumPy gets arrays.
    """
    weights = call.weights()
    try:
        returned = _called(function, call, weights)
    except Exception as error:  # that the sizes do not suit it is an answer
        return f"raises {type(error).__name__}: {(str(error).splitlines() or [''])[0][:160]}"
    results = returned if isinstance(returned, tuple | list) else (returned,)
    if len(results) != len(weights):
        return f"returns {len(results)} for {len(weights)} weights"
    return tuple(_moved(result, weight) for result, weight in zip(results, weights))


def _called(function: Callable[..., Any], call: Call, weights: list[Tensor]) -> Any:
    try:
        return _with(function, call, [weight.clone() for weight in weights])
    except Exception:
        if not takes_arrays(function):
            raise
        return _with(function, call, list(map(array, weights)))


def takes_arrays(function: Callable[..., Any]) -> bool:
    """Return whether a function is written in NumPy: its module has that, and no torch."""
    names = getattr(function, "__globals__", {})
    return "torch" not in names and any(
        getattr(value, "__name__", "") == "numpy" for value in names.values()
    )


def _with(function: Callable[..., Any], call: Call, weights: list[Any]) -> Any:
    each, numbers = iter(weights), call.numbers()
    values = [(name, numbers[role] if role in numbers else next(each)) for name, role in call.roles]
    return function(
        *(value for name, value in values if not name),
        **{name: value for name, value in values if name},
    )


def _moved(result: Any, weight: Tensor) -> Moved | None:
    own = tensor(result) if type(result).__module__ == "numpy" else result
    if not isinstance(own, Tensor) or own.numel() != weight.numel():
        return None
    own = own.detach().reshape(weight.shape)
    rows = (own[:, 0] / COLUMNS).round().long().clamp(0, len(weight) - 1)  # (rows,)
    return Moved(tuple(rows.tolist())) if torch.equal(own.float(), weight[rows]) else None


def calls(given: Roles) -> Iterator[Call]:
    """Yield the calls to make: as many heads in k as in q, then fewer, in k's weight and in q's."""
    named = [role for _, role in given]
    grouped = "kv_heads" in named
    slots = tuple(role for role in named if role in (*SLOTS, "qkv", "w"))
    kv = KV_HEADS if grouped else HEADS
    equal = Call(given, (HEADS,) * len(slots), HEADS, HEADS)
    if slots == ("qkv",):
        yield replace(equal, rows=(HEADS + 2 * kv,), kv_heads=kv)
    elif len(slots) > 1:
        yield replace(
            equal, rows=tuple(HEADS if slot == "q" else kv for slot in slots), kv_heads=kv
        )
    elif not grouped:
        yield equal
    elif "heads" not in named:  # of k alone
        yield replace(equal, rows=(KV_HEADS,), kv_heads=KV_HEADS)
    else:
        yield from (
            equal,
            replace(equal, rows=(KV_HEADS,), kv_heads=KV_HEADS),
            replace(equal, kv_heads=KV_HEADS),
        )
