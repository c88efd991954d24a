"""Sees again the calls that turned tensors in an earlier pass, whichever angles they turn by now.

One token alone, or the token at position 0, does not show that it is turned. The functions that
turned tensors before, and the pairs of lanes that they turned, tell where to look.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from rotcheck.witness.call_record import CallRecord, TensorTurn, tensors_in
from rotcheck.witness.frame_operations import FrameOperations
from rotcheck.witness.open_call import OpenCall
from rotcheck.witness.tensor_values import has_values, has_vanished
from rotcheck.witness.turning import measure_turn
from rotcheck.witness.witness import Witness


class FormWitness(Witness):
    """Sees the calls of functions which are known to turn tensors, while the `with` block lasts.

    Of those that turn variables of their own each operation is seen again.

    Args:
        model: whose modules are named in what was seen.
        calls: the calls of an earlier pass.
    """

    def __init__(self, model: Module, calls: Iterable[CallRecord]) -> None:
        super().__init__(model)
        self._forms: dict[CodeType, dict[str, tuple[TensorTurn, ...]]] = {}  # by the module
        self._inline_code: set[CodeType | None] = set()  # no argument of a call of it turns
        for record in calls:
            code = record.function.__code__
            if record.inline:
                self._inline_code.add(code)
                self._functions.know(record.function)
                continue
            self._forms.setdefault(code, {}).setdefault(record.owner, record.turns)
            self._functions.know(record.function)

    def _begin(self, frame: FrameType) -> None:
        if frame.f_code in self._forms or frame.f_code in self._inline_code or self._is_inline:
            super()._begin(frame)
        else:
            owner = self._place(frame.f_locals.get("self"))
            self._stack.append(OpenCall(frame, {}, {}, owner, self._marks(), self._order))

    @property
    def _is_inline(self) -> bool:
        """Whether code is at work that turns variables of its own, or was called by such code."""
        return any(record.code in self._inline_code for record in self._stack)

    def _trace(self) -> FrameOperations | None:
        """Keeps the operations of a frame where these are needed."""
        return super()._trace() if self._is_inline else None

    def _end(self, record: OpenCall, result: Any) -> None:
        if self._is_inline:
            self._stack[-1].operations.add_call(record.values, result, record.operations)
        if record.code in self._inline_code and record.frame:
            turns = tuple(record.operations.turns(record.frame.f_locals))
            if turns:
                self._add(record, {}, turns, inline=True)
            return
        forms = self._forms.get(record.code) if record.code else None
        if forms is None:
            return
        # layers of two types may turn other lanes by one function
        form = forms.get(record.owner) or next(iter(forms.values()))
        turns = tuple(_turns_in(form, record, result))
        if turns:
            self._add(record, {}, turns)


def _turns_in(forms: Iterable[TensorTurn], record: OpenCall, result: Any) -> Iterator[TensorTurn]:
    """Yield the tensors of a call that turned in the call which is known."""
    before = _by_place(record.before)
    after = {**_by_place(record.values), **dict(tensors_in(result))}
    for form in forms:
        x, y = before.get(form.argument), after.get(form.result)
        if x is None or y is None or x.dim() != y.dim():
            continue
        y = _last(y, x.shape)
        if form.part is not None and x.shape == y.shape:
            x, y = x.select(*form.part), y.select(*form.part)
        if (
            x.shape == y.shape
            and x.dim() == form.before.dim()
            and x.shape[-1] == form.before.shape[-1]
            and _has_angles(x)
        ):
            turn = measure_turn(form.turn, x, y)
            yield TensorTurn(form.argument, x, y.detach().clone(), turn, form.result, form.part)


def _has_angles(x: Tensor) -> bool:
    """Whether values show by which angles they are turned."""
    return not has_values(x) or (bool(x.any()) and not has_vanished(x))


def _last(x: Tensor, shape: torch.Size) -> Tensor:
    """The last part of a tensor which is longer along one axis: new keys stand behind a cache."""
    axes = [axis for axis, sizes in enumerate(zip(x.shape, shape)) if sizes[0] != sizes[1]]
    if len(axes) != 1 or x.dim() != len(shape) or x.shape[axes[0]] < shape[axes[0]]:
        return x
    return x.narrow(axes[0], x.shape[axes[0]] - shape[axes[0]], shape[axes[0]])


def _by_place(values: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name + place: x for name, value in values.items() for place, x in tensors_in(value)}
