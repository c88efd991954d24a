"""Sees which calls turn a tensor while a model runs; found by what they do, never by their names.

The witness of `rotcheck.witness` keeps whole calls, to make them again. A program that trains has
no memory to spare, and its functions must not be called again: here a part of each tensor is held,
for as long as the call lasts, and each function is looked at a few times only.
"""

import inspect
import os
import sysconfig
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

import rotcheck
from rotcheck.watch.inside.attention_watch import is_attention
from rotcheck.watch.inside.callers import is_torch
from rotcheck.watch.inside.exchange_watch import is_collective
from rotcheck.watch.inside.tensor_parts import looks_wide, part
from rotcheck.witness.call_record import TensorTurn, tensors_in
from rotcheck.witness.table_values import table_places
from rotcheck.witness.turning import find_turn

MOST_LOOKS = 12  # at calls of one function that turned nothing
MOST_TURNS = 6  # looks at calls of one function that turned something
_OURS = os.path.dirname(rotcheck.__file__) + os.sep
_ROTARY = _OURS + "rotary" + os.sep  # functions for programs to use
_STANDARD = sysconfig.get_path("stdlib")  # within it, site-packages holds what is not Python's


class Sight:
    """What was seen of one function."""

    __slots__ = (
        "attention", "calls", "code", "collective", "compiled", "idle", "looks", "strange", "turns", "window",
    )  # fmt: skip

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.compiled = any(name.startswith("__compiled_fn") for name in code.co_names)
        self.collective, self.attention = is_collective(code), is_attention(code)
        self.strange = _is_strangers(code.co_filename) and not self.compiled
        self.looks, self.turns, self.idle, self.calls = 0, 0, 0, 0
        self.window = 0  # in which it was looked at last

    def is_enough(self, window: int) -> bool:
        """Whether its calls need no further look: of what turns, the first one of each window is
        looked at."""
        if self.turns:
            return self.turns >= MOST_TURNS and self.window == window
        return not self.strange or self.looks >= MOST_LOOKS


class WatchCall:
    """A call that has not ended."""

    __slots__ = ("before", "frame", "marks", "sight", "values")

    def __init__(self, frame: FrameType, sight: Sight, marks: tuple[int, int]) -> None:
        self.frame, self.sight, self.marks = frame, sight, marks
        self.values = dict(_tensor_arguments(frame))
        self.before = {name: part(x).detach().clone() for name, x in self.values.items()}


Teller = Callable[[WatchCall, tuple[TensorTurn, ...], dict[str, Tensor], str], None]
"""Told of a call, what it turned, what came back, and the module of the model that made it."""


class CallWatch:
    """Looks at calls, and tells of those that turned a tensor, or were handed tables and did not.

    Attributes:
        turning_calls: how many calls were made of functions that were seen to turn something.
    """

    def __init__(
        self,
        tell_turn: Teller,
        tell_idle: Teller,
        tell_part: Callable[[CodeType, CodeType], None],
        tell_collective: Callable[[FrameType], None],
        tell_attention: Callable[[FrameType], None],
        may_look: Callable[[], bool],
    ) -> None:
        self.turning_calls = 0
        self.sights: dict[int, Sight] = {}
        self._idle, self._window = 0, 0
        self._tell_turn, self._tell_idle, self._tell_part = tell_turn, tell_idle, tell_part
        self._tell_collective, self._tell_attention = tell_collective, tell_attention
        self._may_look = may_look
        self._stack: list[WatchCall] = []
        self._turning: list[CodeType] = []
        self._names: dict[int, str] = {}

    def enter(self, model: Module) -> None:
        """Name the modules of the model that is about to run."""
        self._names = {id(module): name for name, module in model.named_modules()}
        self._window += 1

    def leave(self) -> None:
        """Hold nothing of a model any more."""
        self._stack.clear()
        self._turning.clear()
        self._names.clear()

    def hear(self, frame: FrameType, event: str, result: Any) -> None:
        """Look at a call as it begins and as it ends."""
        if event == "call":
            sight = self.sight(frame.f_code)
            sight.calls += 1
            if (sight.collective or sight.attention) and self._may_look():
                tell = self._tell_collective if sight.collective else self._tell_attention
                with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
                    tell(frame)
            elif not sight.is_enough(self._window):
                self._begin(frame, sight)
            elif sight.turns:
                self._turning.append(sight.code)
                self.turning_calls += 1
        elif self._stack and self._stack[-1].frame is frame:
            with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
                self._end(self._stack.pop(), result)

    def sight(self, code: CodeType) -> Sight:
        """What was seen of a function; its code stays alive with it, and so its id its own."""
        sight = self.sights.get(id(code))
        if sight is None:
            sight = self.sights[id(code)] = Sight(code)
        return sight

    def _begin(self, frame: FrameType, sight: Sight) -> None:
        if self._may_look():
            with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
                self._stack.append(WatchCall(frame, sight, (len(self._turning), self._idle)))

    def _end(self, call: WatchCall, result: Any) -> None:
        if not call.before or not self._may_look():
            return
        call.sight.looks += 1
        call.sight.window = self._window
        outputs = {place: x for place, x in tensors_in(result) if looks_wide(x)} or dict(
            _changes_in_place(call)
        )
        turns = tuple(_turns(call.before, outputs))
        if turns:
            call.sight.turns += 1
            self.turning_calls += 1
            self._tell_turn(call, turns, outputs, self.owner(call.frame))
            self._tell_parts(call)
        elif (
            not call.sight.turns
            and call.marks == (len(self._turning), self._idle)
            and _is_idle(call.before, outputs)
        ):
            self._idle += 1
            call.sight.idle += 1
            self._tell_idle(call, (), outputs, self.owner(call.frame))

    def _tell_parts(self, call: WatchCall) -> None:
        """Say which functions that turned something are a part of this one."""
        start = call.marks[0]
        for code in dict.fromkeys(map(id, self._turning[start:])):
            self._tell_part(self.sights[code].code, call.sight.code)
        self._turning[start:] = [call.sight.code]

    def owner(self, frame: FrameType | None) -> str:
        """The module of the model that a frame belongs to."""
        while frame is not None:
            owner = frame.f_locals.get("self") if "self" in frame.f_code.co_varnames else None
            if isinstance(owner, Module) and id(owner) in self._names:
                return self._names[id(owner)] or type(owner).__name__
            frame = frame.f_back
        return ""


def _tensor_arguments(frame: FrameType) -> Iterator[tuple[str, Tensor]]:
    code, values = frame.f_code, frame.f_locals
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS)
    count += bool(code.co_flags & inspect.CO_VARKEYWORDS)
    for name in code.co_varnames[:count]:
        for place, x in tensors_in(values.get(name)):
            if looks_wide(x):
                yield name + place, x


def _changes_in_place(call: WatchCall) -> Iterator[tuple[str, Tensor]]:
    """Yield the arguments that a call has written into, by their names."""
    for name, x in call.values.items():
        if not torch.equal(part(x).detach(), call.before[name]):
            yield name, x


def _turns(before: dict[str, Tensor], outputs: dict[str, Tensor]) -> Iterator[TensorTurn]:
    """Yield each argument that came back turned."""
    rest = {place: (x.shape, part(x).detach()) for place, x in outputs.items()}
    for name, x in before.items():
        for place, (_, y) in list(rest.items()):
            if x.shape != y.shape or x.is_complex() != y.is_complex():
                continue
            turn = find_turn(x, y)
            if turn is not None:
                yield TensorTurn(name, x, y.clone(), turn)
                del rest[place]
                break


def _is_idle(before: dict[str, Tensor], outputs: dict[str, Tensor]) -> bool:
    """Whether a call was handed tables, and something else came back in its shape but changed."""
    tables = set(table_places(before))
    if not any(bool((before[name] != before[name].flatten(0, -2)[0]).any()) for name in tables):
        # none, or one position only: a step of decoding, of which nothing can be told
        return False
    return any(
        name not in tables and part(y).shape == x.shape and not torch.equal(part(y), x)
        for name, x in before.items()
        for y in outputs.values()
    )


def _is_strangers(file: str) -> bool:
    """Whether a file is neither torch's, nor Python's, nor ours."""
    if file.startswith(("<frozen", "<eval_with_key")) or is_torch(file):
        return False
    if file.startswith(_OURS) and not file.startswith(_ROTARY):
        return False
    return not file.startswith(_STANDARD) or "-packages" in file[len(_STANDARD) :]
