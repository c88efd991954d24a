"""When calls are watched: while a model runs, in its first steps, and never after that.

The first call of a `torch.nn.Module` from outside of any other begins a window, and its return ends
it. Only asking for `Module.__call__` is noticed, so that no frame of ours is in a traceback.
"""

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from torch import Tensor
from torch.nn import Module

from rotcheck.watch.inside.attention_watch import AttentionWatch
from rotcheck.watch.inside.call_watch import CallWatch, WatchCall
from rotcheck.watch.inside.exception_watch import ExceptionWatch
from rotcheck.watch.inside.exchange_watch import ExchangeWatch
from rotcheck.watch.inside.record_file import RecordFile
from rotcheck.watch.inside.rotation_record import RotationRecord
from rotcheck.watch.inside.step_watch import MOST_ROWS, StepWatch
from rotcheck.witness.call_record import TensorTurn, tensors_in
from rotcheck.witness.profile_hook import may_look, set_profile
from rotcheck.witness.uncompiled import uncompiled

MOST_STEPS = 3  # windows in which something turned
MOST_SHORT_STEPS = 48  # with a few rows alone, of decoding
MOST_WINDOWS = 1000  # of any kind: a program may call modules that are no models, to read its data
FIRST = 10  # windows that are counted in the record
MOST_SECONDS = 60.0  # for which calls are watched at all


class FirstSteps:
    """Stands in the place of `Module.__call__` until enough was seen."""

    def __init__(self, record: RecordFile) -> None:
        self._record = record
        self._exchanges = ExchangeWatch(record)
        self._sequence = StepWatch()
        self._rotations = RotationRecord(record, self._exchanges, self._sequence)
        tellers = self._know_turns, self._rotations.write_idle, self._rotations.write_part
        self._watch = CallWatch(*tellers, self._exchanges.hear, self._hear_attention, may_look)
        self._attention = AttentionWatch(self._rotations, self._watch)
        self._exceptions = ExceptionWatch(record, self._watch)
        self._call: Any = Module.__dict__["__call__"]
        self._root: FrameType | None = None
        self._windows, self._steps, self._short_steps, self._turns = 0, 0, 0, 0
        self._length = 0  # tokens of the call
        self._start, self._seconds = 0.0, 0.0

    def begin(self) -> None:
        """Wait for the first call of a module."""
        setattr(Module, "__call__", self)  # noqa: B010 (mypy knows it as a method)

    def end(self) -> None:
        """Watch no more calls, as in a process that was forked off."""
        if Module.__dict__["__call__"] is self:
            self._give_back()
        if sys.getprofile() == self._profile:
            self._listen(False)

    def _give_back(self) -> None:
        setattr(Module, "__call__", self._call)  # noqa: B010

    @uncompiled
    def __get__(self, module: Module | None, owner: type) -> Callable[..., Any]:
        """The function that torch has, or its method; a window begins where it is asked for."""
        if module is None:
            return self._call  # type: ignore[no-any-return]
        if sys.getprofile() is None and may_look():
            self._open(module)
        return self._call.__get__(module, owner)  # type: ignore[no-any-return]

    def _open(self, module: Module) -> None:
        self._give_back()
        self._root = None
        self._turns = self._watch.turning_calls
        self._start = time.perf_counter()
        self._watch.enter(module)
        self._listen(True)

    def _listen(self, on: bool) -> None:
        """Have the interpreter tell of calls and exceptions; a debugger keeps the latter."""
        if on:
            set_profile(self._profile)
        else:
            sys.setprofile(None)
        trace = self._exceptions.trace
        if sys.gettrace() in (None, trace):
            sys.settrace(trace if on else None)

    @uncompiled
    def _profile(self, frame: FrameType, event: str, result: Any) -> None:
        if event not in ("call", "return", "c_call"):
            return
        try:
            self._hear(frame, event, result)
        except Exception as error:  # the program's call must go on; what happened here is told
            self.end()
            self._record.write("problem", why=f"{type(error).__name__}: {error}")

    def _hear(self, frame: FrameType, event: str, result: Any) -> None:
        if self._root is None:
            if event == "call" and frame.f_code is self._call.__code__:
                self._root = frame
                tensors = [x for value in frame.f_locals.values() for _, x in tensors_in(value)]
                lengths = _lengths(tensors)
                self._length = max(lengths, default=0)
                self._rotations.know_lengths(lengths)
                self._attention.begin()
                self._exchanges.begin(tensors)
                self._sequence.begin(id(frame.f_locals.get("self")), tensors)
            elif event == "call":  # it was asked for, and not called
                self._close()
        elif frame is self._root:
            self._sequence.end(result)
            self._close()
        elif event == "c_call":
            self._attention.hear_call(frame, result)
        else:
            if event == "return":
                self._attention.hear_return(frame, result)
            self._watch.hear(frame, event, result)

    def _know_turns(
        self,
        call: WatchCall,
        turns: tuple[TensorTurn, ...],
        outputs: dict[str, Tensor],
        owner: str,
    ) -> None:
        self._attention.know_turns(turns, call.values)
        self._rotations.write_turn(call, turns, outputs, owner)

    def _hear_attention(self, frame: FrameType) -> None:
        self._attention.hear_frame(frame)

    def _close(self) -> None:
        self._listen(False)
        self._root = None
        self._watch.leave()
        self._attention.begin()
        self._exceptions.leave()
        self._exchanges.end()
        self._windows += 1
        if self._windows <= FIRST or self._watch.turning_calls > self._turns:
            self._rotations.write_counts(self._watch, self._windows)
        if self._watch.turning_calls > self._turns:
            is_short = 0 < self._length <= MOST_ROWS
            self._steps, self._short_steps = (
                self._steps + (not is_short),
                self._short_steps + is_short,
            )
        self._seconds += time.perf_counter() - self._start
        wants_more = self._steps < MOST_STEPS and self._short_steps < MOST_SHORT_STEPS
        if (
            wants_more
            and self._windows < MOST_WINDOWS
            and self._seconds < MOST_SECONDS
            and Module.__dict__["__call__"] is self._call
        ):
            self.begin()


def _lengths(tensors: list[Tensor]) -> set[int]:
    """How many tokens the call of a model is handed: the last axis of integers, else the second
    of three axes of values."""
    integers = {x.shape[-1] for x in tensors if not x.is_floating_point() and x.dim()}
    return integers or {x.shape[1] for x in tensors if x.dim() == 3}
