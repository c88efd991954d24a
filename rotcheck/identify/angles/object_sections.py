"""How many pairs an object says that time, height and width have: the sections of M-RoPE."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Literal

from torch import Tensor

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import is_named

Axis = Literal["time", "height", "width"]
AXES: tuple[Axis, ...] = ("time", "height", "width")


def sections_of(function: Callable[..., Any]) -> tuple[int, ...]:
    """How many pairs time, height and width have; empty: the object does not say."""
    values = [value for name, value in _values(function) if is_named(name, vocabulary.SECTIONS)]
    triples = [
        tuple(value) for value in values if isinstance(value, list | tuple) and len(value) == 3
    ]
    return next((triple for triple in triples if all(type(count) is int for count in triple)), ())


def first_pair(function: Callable[..., Any], axis: int) -> int | None:
    """The first pair that should turn with an axis (1: height, 2: width); None: nobody says."""
    counts = sections_of(function)
    for _, value in _values(function):
        axes = value if isinstance(value, list) and len(value) == sum(counts) else []
        if set(axes) == set(range(len(AXES))):
            return int(axes.index(axis))
    if any("interleave" in name and value is True for name, value in _values(function)):
        return axis  # time, height, width, time, ...
    return sum(counts[:axis]) if counts else None


def _values(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """What an object holds, integers of a tensor as a list, then its constructor's defaults."""
    holder: Any = getattr(function, "__self__", function)
    for name, value in getattr(holder, "__dict__", {}).items():
        integers = isinstance(value, Tensor) and value.dim() == 1 and not value.is_floating_point()
        yield name, value.tolist() if integers else value
    signature = (
        {} if inspect.isroutine(holder) else inspect.signature(type(holder).__init__).parameters
    )
    for name, parameter in signature.items():
        yield name, parameter.default
