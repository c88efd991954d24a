"""The sizes that an object's attributes and tables, or a function's constants, speak of:
others it may refuse."""

import inspect
import re
from dataclasses import dataclass
from typing import Any

import torch

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import is_named

# lanes of a head that a constant may speak of; a larger one is more likely a model's
LEAST, MOST = 8, 256


@dataclass(frozen=True, slots=True)
class Hints:
    """Widths of a head, likeliest first; lengths of short tables; numbers of heads;
    and how many lanes of a head turn.

    Empty: it speaks of none.
    """

    widths: tuple[int, ...] = ()
    lengths: tuple[int, ...] = ()
    heads: tuple[int, ...] = ()
    rotary: tuple[int, ...] = ()


def hints(function: Any) -> Hints:
    """The sizes that an object, the owner of a method,
    or the constants that a function reads speak of."""
    owner = getattr(function, "__self__", function)
    attributes = _attributes(owner)
    numbers = {
        name: value
        for name, value in attributes.items()
        if type(value) is int and 2 <= value <= 1024
    }
    heads = [value for name, value in numbers.items() if is_named(name, vocabulary.HEADS)]
    rows = [table.shape[0] for _, table in _tensors(owner) if table.dim() == 2]
    short = [count for count in rows if 8 < count <= 1024]
    widths = _once([*_widths(owner, numbers), *_of_constants(function)])
    return Hints(widths, _once(short), _once(heads), _of_defaults(function))


def _of_defaults(function: Any) -> tuple[int, ...]:
    """How many lanes turn unless a call says otherwise, as `rope_dim=64` does."""
    signed = function.forward if isinstance(function, torch.nn.Module) else function
    try:
        parameters = inspect.signature(signed).parameters.values()
    except (TypeError, ValueError):  # scripted, or of C
        return ()
    widths = (part.default for part in parameters if is_named(part.name, vocabulary.ROTARY_DIM))
    return _once([width for width in widths if type(width) is int and LEAST <= width < MOST])


def _of_constants(function: Any) -> list[int]:
    """The widths of a head among the numbers that a function reads and is not given,
    as `HEAD_DIM = 80`."""
    signed = function.forward if isinstance(function, torch.nn.Module) else function
    try:
        read = inspect.getclosurevars(signed)
    except (TypeError, ValueError):  # scripted, of C, or not defined to the end
        return []
    values = {**read.globals, **read.nonlocals}
    numbers = {name: value for name, value in values.items() if type(value) is int}
    return [
        value
        for names in (vocabulary.HEAD_DIM, vocabulary.ROTARY_DIM)
        for name, value in numbers.items()
        if is_named(name, names) and LEAST <= value <= MOST and value % 2 == 0
    ]


def _widths(owner: Any, numbers: dict[str, int]) -> list[int]:
    widths = [value for name, value in numbers.items() if is_named(name, vocabulary.HEAD_DIM)]
    widths += [value for name, value in numbers.items() if is_named(name, vocabulary.ROTARY_DIM)]
    double_widths: list[int] = []
    for name, table in _tensors(owner):
        if table.dim() and 1 <= table.shape[-1] <= 512:
            once = re.search(r"freq|theta|cis|bands|angle", name) and not re.search(
                r"cos|sin", name
            )
            widths.append(table.shape[-1] * (2 if once else 1))
            # cos and sin may have a value for each pair
            double_widths += [] if once else [2 * table.shape[-1]]
    large = [value for value in numbers.values() if value >= 8 and value % 2 == 0]
    return [*widths, *double_widths, *(width for value in large for width in (value, 2 * value))]


def _once(numbers: list[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(numbers))


def _tensors(owner: Any) -> list[tuple[str, torch.Tensor]]:
    is_module = isinstance(owner, torch.nn.Module)
    of_module = [*owner.named_buffers(), *owner.named_parameters()] if is_module else []
    attributes = _attributes(owner).items()
    return of_module + [pair for pair in attributes if isinstance(pair[1], torch.Tensor)]


def _attributes(owner: Any) -> dict[str, Any]:
    attributes = getattr(owner, "__dict__", {})
    return {name: attributes[name] for name in attributes if not name.startswith("_")}
