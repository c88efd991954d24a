"""What stands in for the calls that turn q and k: each tensor is turned in another way."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from rotcheck.grouping import group_by
from rotcheck.model.weights.function_swap import function_swap
from rotcheck.model.weights.new_turn import NewTurn
from rotcheck.model.weights.turned_call import NoTurn, TurnedCall, TurnedTensor
from rotcheck.witness.call_record import tensors_in

Change = Callable[[TurnedTensor], NewTurn]
Arguments = dict[str, Any]


class CallSubstitutes:
    """The calls of a model that turn tensors, each known again by its number.

    Args:
        calls: as they were witnessed.
        run: the pass that was witnessed, once more.

    Raises:
        NoTurn: a call did not come again, or came back with other values.
    """

    def __init__(self, calls: Sequence[TurnedCall], run: Callable[[], object]) -> None:
        groups = group_by(calls, lambda call: id(call.record.function))
        self._functions = [_Numbering(group) for group in groups.values()]
        with ExitStack() as stack:
            for function in self._functions:
                stack.enter_context(function_swap(function.function, function.recognise))
            run()
        for function in self._functions:
            function.check()

    @contextmanager
    def change(self, change: Change) -> Iterator[None]:
        """Turn each tensor as `change` says, while the `with` block lasts."""
        with ExitStack() as stack:
            for function in self._functions:
                function.change = change
                stack.enter_context(function_swap(function.function, function.replace))
            yield


class _Numbering:
    """The calls of one function, by their number in a pass: which turn what, and where it lies."""

    change: Change

    def __init__(self, calls: Sequence[TurnedCall]) -> None:
        self.function: FunctionType = calls[0].record.function
        self._rest = list(calls)
        self._count = 0  # calls in a pass
        self._calls: dict[int, tuple[TurnedCall, tuple[str, ...]]] = {}

    def recognise(self, copy: FunctionType) -> Callable[..., Any]:
        """Calls the function as it was, and finds out which calls these are."""
        signature = inspect.signature(copy)

        def call(*args: Any, **kwargs: Any) -> Any:
            result = copy(*args, **kwargs)
            places = self._places(result, _arguments(signature, args, kwargs))
            if places:
                self._calls[self._count] = self._rest.pop(0), places
            self._count += 1
            return result

        return call

    def _places(self, result: Any, arguments: Arguments) -> tuple[str, ...]:
        """Where the tensors of the next call that turned some lie; empty: this is not that call."""
        tensors = dict(tensors_in(result)) or _by_name(arguments)
        turns = self._rest[0].record.turns if self._rest else ()
        places = [
            next((place for place, x in tensors.items() if is_equal(x, turn.after)), None)
            for turn in turns
        ]
        return () if None in places else tuple(map(str, places))

    def check(self) -> None:
        """Raise NoTurn if a call did not come again."""
        if self._rest:
            name = self._rest[0].record.name
            raise NoTurn(f"a call of {name} was not the same when the model ran again")

    def replace(self, copy: FunctionType) -> Callable[..., Any]:
        """Calls the function as it was, and exchanges the tensors that it turned."""
        signature = inspect.signature(copy)
        number = 0

        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal number
            index = number % self._count
            number += 1
            if index not in self._calls:
                return copy(*args, **kwargs)
            turned_call, places = self._calls[index]
            arguments = _arguments(signature, args, kwargs)
            tensors = _by_name(arguments)
            before = [tensors[x.judgement.tensor.argument].clone() for x in turned_call.tensors]
            result = copy(*args, **kwargs)
            news = {
                place: self.change(tensor).of(x)
                for tensor, place, x in zip(turned_call.tensors, places, before, strict=True)
            }
            if dict(tensors_in(result)):
                return _exchange(result, news)
            for place, new in news.items():
                tensors[place].copy_(new)
            return result

        return call


def _arguments(
    signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Arguments:
    arguments = signature.bind(*args, **kwargs)
    arguments.apply_defaults()
    return dict(arguments.arguments)


def _by_name(arguments: Arguments) -> dict[str, Tensor]:
    return {name + place: x for name, value in arguments.items() for place, x in tensors_in(value)}


def is_equal(x: Tensor, y: Tensor) -> bool:
    """Whether a tensor has the values of another one, and its shape and dtype."""
    return x.shape == y.shape and x.dtype == y.dtype and torch.equal(x.detach(), y)


def _exchange(value: Any, news: Mapping[str, Tensor], place: str = "") -> Any:
    """A value with the tensors at some places in it exchanged, in the dtype of those before."""
    if isinstance(value, Tensor):
        return news[place].to(value.dtype) if place in news else value
    if isinstance(value, tuple | list):
        parts = [_exchange(part, news, f"{place}[{at}]") for at, part in enumerate(value)]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict):
        return {key: _exchange(part, news, f"{place}[{key!r}]") for key, part in value.items()}
    return value
