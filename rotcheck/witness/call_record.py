"""A Python call that was seen while a model ran, with its tensors as they were."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

from torch import Tensor

from rotcheck.witness.turning import Turn, measure_turn


@dataclass(frozen=True, slots=True)
class TensorTurn:
    """A tensor of a call that came back turned, or a part of a packed one."""

    argument: str  # "q", or "qkv[0]" of one in a tuple
    before: Tensor
    after: Tensor
    turn: Turn
    result: str = ""  # its place in what came back; "" is the result itself
    part: tuple[int, int] | None = None  # of a packed tensor: the axis, and the place along it
    needs_gradient: bool = False  # what went in did
    node: Any = None  # of autograd's graph, which made what came out; None: it has no gradient

    @property
    def name(self) -> str:
        """What it is called in a message: `qkv[:, :, 0]` of a part."""
        if self.part is None:
            return self.argument
        axis, place = self.part
        return f"{self.argument}[{':, ' * axis}{place}]"

    @property
    def rest(self) -> "TensorTurn":
        """The same without the rows of which nothing is left."""
        if self.turn.blank is None:
            return self
        before, after = map(self.turn.blank.rest, (self.before, self.after))
        return replace(
            self, before=before, after=after, turn=measure_turn(self.turn, before, after)
        )


@dataclass(slots=True)
class CallRecord:
    """A call that turned tensors, made tables, or was handed tables and turned nothing.

    `arguments`: of each parameter, by its name, tensors copied before the call. `results`: the
    tensors that came back, by their place in the result; "" is the result itself.
    """

    function: FunctionType
    owner: str  # the module of the model that made the call, "model.layers.0.self_attn"
    order: int  # calls are numbered as they end
    arguments: Mapping[str, Any]
    results: Mapping[str, Tensor]
    turns: tuple[TensorTurn, ...] = ()
    tables: tuple[str, ...] = ()  # which results are tables
    table_arguments: tuple[str, ...] = ()  # which arguments are tables
    reads_tables: bool = True  # whether an operation took one of these
    lanes: tuple[str, ...] = ()  # arguments that its own cos and sin were multiplied with
    inline: bool = False  # its own code turns tensors, which are none of its arguments: variables
    runner: Callable[[Mapping[str, Any]], Any] | None = None  # of compiled code: calls it again
    has_cos: bool | None = None  # of a script: whether it takes a cosine or a sine of something
    first: int = 0  # how many calls had been numbered when it began

    @property
    def name(self) -> str:
        """`module.full_name` of the function."""
        return full_name(self.function)

    def call(self, replacement: Mapping[str, Any]) -> Any:
        """Call the function again with the same arguments, but for those replaced by name."""
        arguments = {**self.arguments, **replacement}
        if self.runner is not None:
            return self.runner(arguments)
        code = self.function.__code__
        names = code.co_varnames
        count = code.co_argcount
        positional = [arguments[name] for name in names[:count]]
        keywords = {name: arguments[name] for name in names[count : count + code.co_kwonlyargcount]}
        rest = count + code.co_kwonlyargcount
        if code.co_flags & inspect.CO_VARARGS:
            positional += arguments[names[rest]]
            rest += 1
        if code.co_flags & inspect.CO_VARKEYWORDS:
            keywords |= arguments[names[rest]]
        return self.function(*positional, **keywords)


def full_name(function: FunctionType) -> str:
    """`module.full_name` of a function."""
    return f"{function.__module__}.{function.__qualname__}"


def tensors_in(value: Any, path: str = "", depth: int = 3) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a value, each with its place in it: "" of a tensor itself, "[0]"."""
    if isinstance(value, Tensor):
        yield path, value
    elif depth and isinstance(value, tuple | list):
        for index, part in enumerate(value[:16]):
            yield from tensors_in(part, f"{path}[{index}]", depth - 1)
    elif depth and isinstance(value, dict):
        for key, part in list(value.items())[:32]:
            yield from tensors_in(part, f"{path}[{key!r}]", depth - 1)


def map_tensors(value: Any, change: Any, depth: int = 3) -> Any:
    """The same value with each tensor in it replaced by what `change(tensor)` returns."""
    if isinstance(value, Tensor):
        return change(value)
    if depth and type(value) in (tuple, list):
        return type(value)(map_tensors(part, change, depth - 1) for part in value)
    if depth and type(value) is dict:
        return {key: map_tensors(part, change, depth - 1) for key, part in value.items()}
    return value
