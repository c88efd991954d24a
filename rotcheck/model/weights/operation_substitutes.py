"""What stands in for a rotation that has no function of its own: the operation that ends it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor
from torch.nn import Module
from torch.overrides import TorchFunctionMode

from rotcheck.model.weights.call_substitutes import Change, is_equal
from rotcheck.model.weights.turned_call import NoTurn, TurnedCall, TurnedTensor
from rotcheck.witness.call_record import tensors_in


class OperationSubstitutes:
    """The operations that make the tensors which turn, each known again by its number.

    Args:
        calls: as they were witnessed, whose own code turns tensors.
        module: the model that made them.
        run: the pass that was witnessed, once more.

    Raises:
        NoTurn: an operation did not come again, or came back with other values.
    """

    def __init__(
        self, calls: Sequence[TurnedCall], module: Module, run: Callable[[], object]
    ) -> None:
        search = _OperationSearch([tensor for call in calls for tensor in call.tensors])
        with _within(module, search):
            run()
        if search.rest:
            argument = search.rest[0].judgement.tensor.argument
            name = calls[0].record.name
            raise NoTurn(f"no single operation of {name} makes {argument} of what it was before")
        self._search, self._module = search, module

    @contextmanager
    def change(self, change: Change) -> Iterator[None]:
        """Turn each tensor as `change` says, while the `with` block lasts."""
        with _within(self._module, _OperationExchange(self._search, change)):
            yield


@contextmanager
def _within(module: Module, mode: "_OperationSearch | _OperationExchange") -> Iterator[None]:
    """Let a mode see the operations of each call of a module, and none beside it."""

    def begin(*values: Any) -> None:
        mode.number = 0
        mode.__enter__()  # type: ignore[no-untyped-call]

    def end(*values: Any) -> None:
        mode.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    hooks = [
        module.register_forward_pre_hook(begin),
        module.register_forward_hook(end, always_call=True),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class _OperationSearch(TorchFunctionMode):
    """Which operation gives a tensor as it was before, and which one gives it turned."""

    def __init__(self, tensors: Sequence[TurnedTensor]) -> None:
        super().__init__()
        self.rest = list(tensors)
        self.number = 0  # of an operation, in a pass
        self.before: dict[int, list[tuple[str, TurnedTensor]]] = {}  # with the place in the result
        self.after: dict[int, TurnedTensor] = {}
        self._begun_ids: set[int] = set()  # ids of those that were seen as they were before

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for place, x in tensors_in(result):
            self._see(place, x)
        self.number += 1
        return result

    def _see(self, place: str, x: Tensor) -> None:
        for tensor in list(self.rest):
            turn = tensor.judgement.tensor
            if id(tensor) not in self._begun_ids:
                if is_equal(x, turn.before):
                    self._begun_ids.add(id(tensor))
                    self.before.setdefault(self.number, []).append((place, tensor))
            elif not place and is_equal(x, turn.after):
                self.after[self.number] = tensor
                self.rest.remove(tensor)


class _OperationExchange(TorchFunctionMode):
    """Gives other results of the operations that give a tensor turned."""

    def __init__(self, search: _OperationSearch, change: Change) -> None:
        super().__init__()
        self._search, self._change = search, change
        self.number = 0  # of an operation, in a pass
        self._before: dict[int, Tensor] = {}  # by the id of what was witnessed

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        index = self.number
        self.number += 1
        for place, tensor in self._search.before.get(index, ()):
            self._before[id(tensor)] = dict(tensors_in(result))[place].clone()
        if index not in self._search.after:
            return result
        turned = self._search.after[index]
        return self._change(turned).of(self._before.pop(id(turned))).to(result.dtype)
