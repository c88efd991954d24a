"""Sees the Python calls of a forward pass, and keeps those that have to do with a rotation.

The interpreter tells of each call (`sys.setprofile`): a copy of its tensors is held against what
comes back. Nothing of the model is replaced, and no function has to have a known name.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from types import FrameType, TracebackType
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import Module

from rotcheck.witness.attention import AttentionCall, AttentionWitness
from rotcheck.witness.attention_kernels import (
    KERNELS,
    KernelInputs,
    kernel_of_call,
    kernel_of_frame,
)
from rotcheck.witness.call_record import (
    CallRecord,
    TensorTurn,
    map_tensors,
    tensors_in,
)
from rotcheck.witness.circular_tensors import CircularTensors
from rotcheck.witness.compiled_calls import ClosedCall, compiled_call, is_compiled, scripts_told
from rotcheck.witness.frame_functions import FrameFunctions, is_named_rotary, is_strangers
from rotcheck.witness.frame_operations import FrameOperations
from rotcheck.witness.open_call import Marks, OpenCall, changes_in_place
from rotcheck.witness.packed_parts import find_turns
from rotcheck.witness.profile_hook import may_look, set_profile
from rotcheck.witness.table_values import fingerprint, table_places
from rotcheck.witness.tensor_values import has_rows, has_values, identity, is_wide, shows_angles
from rotcheck.witness.uncompiled import skip


class Witness:
    """Sees what runs while the `with` block lasts, in this thread.

    Args:
        model: whose modules are named in what was seen; None: the calls of any code are seen.

    Attributes:
        calls: those that turned a tensor, outermost, in the order in which they ended.
        makers: those that made tables.
        idle: those that were handed tables, multiplied them with something, returned a tensor in
            the shape of one of theirs, and turned nothing: a rotation that is not right.
        table_free: those that multiplied an argument with cos and sin which they were not handed,
            returned it in its shape, and turned nothing.
        closed_calls: those of compiled code in which nothing was seen to turn.
        without_turn: the names of those that are called as rotary functions are, returned a tensor
            of the shape of an argument, and turned nothing.
    """

    def __init__(self, model: Module | None = None) -> None:
        self.calls: list[CallRecord] = []
        self.makers: list[CallRecord] = []
        self.idle: list[CallRecord] = []
        self.table_free: list[CallRecord] = []
        self.closed_calls: list[CallRecord] = []
        self.without_turn: list[str] = []
        modules = () if model is None else model.named_modules()
        self._names: dict[int, str] = {id(module): name for name, module in modules}
        self._stack: list[OpenCall] = []
        self._copies: dict[tuple[Any, ...], tuple[Tensor, Tensor]] = {}
        self._tables: set[tuple[Any, ...]] = set()  # fingerprints of tables that were made
        self._circles = CircularTensors()
        self._functions = FrameFunctions()
        self._order = 0
        self._is_closed = False  # what runs cannot be looked into
        self._modes = ExitStack()
        self._attention = AttentionWitness(self._next, self._owner, self._trace)

    @property
    def attention(self) -> list[AttentionCall]:
        """What entered each attention, in the order of the calls."""
        return self._attention.calls

    @property
    def rotary_records(self) -> list[CallRecord]:
        """All rotary code that was seen: what turned, made tables, or should have turned."""
        return [*self.calls, *self.makers, *self.idle, *self.table_free]

    def __enter__(self) -> Self:
        self._modes.enter_context(scripts_told(self._tell_script))
        self._modes.enter_context(self._attention)
        set_profile(self._profile)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        sys.setprofile(None)
        self._modes.close()
        self._stack.clear()
        self._copies.clear()

    def _profile(self, frame: FrameType, event: str, result: Any) -> None:
        if event == "call":
            if self._is_closed:
                return
            if frame.f_code.co_name in KERNELS or is_compiled(frame):
                self._begin_closed(frame)
            elif is_strangers(frame.f_code) and may_look():
                with torch.no_grad(), torch._C.DisableTorchFunction():
                    self._begin(frame)
        elif event == "return" and self._stack and self._stack[-1].frame is frame:
            if self._is_closed:
                self._is_closed = False
                self._attention.come_back()
            self._finish(result)

    def _finish(self, result: Any) -> None:
        record = self._stack.pop()
        with torch.no_grad(), torch._C.DisableTorchFunction():  # what we compute is not seen
            if record.kernel is None:
                self._end(record, result)
                return
            self._attention.add_kernel(record.kernel, result)
            if self._stack:
                self._stack[-1].operations.add_call(record.values, result, record.operations)

    def _begin_closed(self, frame: FrameType) -> None:
        """Look at a call from outside alone: of a kernel of attention, or of compiled code."""
        if not may_look():
            return
        with torch.no_grad(), torch._C.DisableTorchFunction():
            kernel, values, closed_call = kernel_of_frame(frame), {}, None
            if kernel is not None:
                values = frame.f_locals
            elif is_compiled(frame):
                wrapper = self._functions.of_frame(frame)
                closed_call = compiled_call(frame, wrapper) if wrapper else None
                kernel = kernel_of_call(closed_call) if closed_call else None
            else:
                return
            self._open(frame, closed_call.arguments if closed_call else values, closed_call, kernel)
        self._is_closed = True
        self._attention.leave()

    def _tell_script(self, call: ClosedCall, run: Callable[[], Any]) -> Any:
        """Look at the call of a script from outside."""
        if self._is_closed or not may_look():
            return run()
        with torch.no_grad(), torch._C.DisableTorchFunction():
            self._open(None, call.arguments, call)
        try:
            result = run()
        except BaseException:
            self._stack.pop()
            raise
        self._finish(result)
        return result

    def _begin(self, frame: FrameType) -> None:
        values = frame.f_locals
        code = frame.f_code
        count = code.co_argcount + code.co_kwonlyargcount
        count += bool(code.co_flags & inspect.CO_VARARGS)
        count += bool(code.co_flags & inspect.CO_VARKEYWORDS)
        values = {name: values[name] for name in code.co_varnames[:count] if name in values}
        self._open(frame, values)

    def _open(
        self,
        frame: FrameType | None,
        values: Mapping[str, Any],
        closed_call: ClosedCall | None = None,
        kernel: KernelInputs | None = None,
    ) -> None:
        owner = frame.f_locals.get("self") if frame and closed_call is None else None
        place = self._place(closed_call.owner if closed_call else owner)
        before = {} if kernel else map_tensors(dict(values), self._copy)
        start = place, self._marks(), self._order
        self._stack.append(
            OpenCall(frame, values, before, *start, closed_call, kernel, self._circles)
        )

    def _marks(self) -> Marks:
        return len(self.calls), len(self.makers), len(self.idle), len(self.table_free)

    def _place(self, owner: object) -> str:
        """The name of the module at work: a call's `self`, or that of its caller."""
        if isinstance(owner, Module) and (id(owner) in self._names or not self._names):
            return self._names.get(id(owner), "")
        return self._owner()

    def _copy(self, tensor: Tensor) -> Tensor:
        """A copy of a tensor, the same one for as long as it is not written to."""
        if not has_values(tensor):
            return tensor
        key = identity(tensor)
        if key not in self._copies:  # the tensor is kept too, so that its id stays its own
            self._copies[key] = (tensor, tensor.detach().clone())
        return self._copies[key][1]

    def _end(self, record: OpenCall, result: Any) -> None:
        frame = record.frame if record.closed_call is None else None
        results = {place: x for place, x in tensors_in(result) if has_values(x)}
        arguments = [
            (name + place, before)
            for name, value in record.before.items()
            for place, before in tensors_in(value)
            if shows_angles(before)
        ]
        outputs = results or dict(changes_in_place(record))
        turns = tuple(find_turns(arguments, outputs, record.values)) if arguments else ()
        within = record.marks[0] != len(self.calls)
        inline = (
            () if turns or within or not frame else tuple(record.operations.turns(frame.f_locals))
        )
        if self._stack:
            self._stack[-1].operations.add_call(record.values, result, record.operations)
        tables = self._new_tables(results)
        if turns or inline:
            self._add(record, outputs, turns or inline, not turns)
        elif tables:
            self._add_maker(record, results, tables)
        elif not within and record.marks[2:] == self._marks()[2:]:
            if frame and is_named_rotary(frame.f_code.co_name) and _same_shape(arguments, outputs):
                self.without_turn.append(frame.f_code.co_qualname)
            self._add_idle(record, outputs)
            if record.marks[2] != len(self.idle):
                return
            if record.closed_call is None:
                self._add_table_free(record, outputs)
            else:
                self._keep(self.closed_calls, record, outputs, lanes=tuple(_lanes(record, outputs)))

    def _add(
        self,
        record: OpenCall,
        outputs: Mapping[str, Tensor],
        turns: tuple[TensorTurn, ...],
        inline: bool = False,
    ) -> None:
        del self.calls[record.marks[0] :]  # what turned within is a part of this call
        del self.idle[record.marks[2] :]
        del self.table_free[record.marks[3] :]
        self._keep(self.calls, record, outputs, turns=turns, inline=inline)

    def _add_maker(
        self, record: OpenCall, results: Mapping[str, Tensor], tables: tuple[str, ...]
    ) -> None:
        del self.makers[record.marks[1] :]
        self._keep(self.makers, record, results, tables=tables)
        for place in tables:
            self._tables.add(fingerprint(results[place]))

    def _add_idle(self, record: OpenCall, outputs: Mapping[str, Tensor]) -> None:
        arguments = {
            name + place: x
            for name, value in record.values.items()
            for place, x in tensors_in(value)
            if shows_angles(x)
        }
        shapes = [x.shape for x in arguments.values()]
        if len(arguments) < 2 or not any(y.shape in shapes for y in outputs.values()):
            return
        places = table_places(arguments)
        tables = {name: x for name, x in arguments.items() if name in places or self._is_table(x)}
        row_shapes = {x.shape for name, x in arguments.items() if name not in tables}
        has_rows = any(y.shape in row_shapes and not self._is_table(y) for y in outputs.values())
        if tables and has_rows and record.operations.may_be_rotation(list(tables.values())):
            reads = bool(record.closed_call) or record.operations.reads(list(tables.values()))
            self._keep(
                self.idle, record, outputs, table_arguments=tuple(tables), reads_tables=reads
            )

    def _add_table_free(self, record: OpenCall, outputs: Mapping[str, Tensor]) -> None:
        lanes = _lanes(record, outputs)
        names = tuple(name for name, x in lanes.items() if self._has_cos(record, x))
        if names:
            self._keep(self.table_free, record, outputs, lanes=names)

    def _has_cos(self, record: OpenCall, x: Tensor) -> bool:
        """Whether a call multiplied a tensor with cos and sin of several positions."""
        factors, is_circular = record.operations.factors_of(x)
        wide = {str(index): y for index, y in enumerate(factors) if is_wide(y) and has_rows(y)}
        if not wide or is_circular:
            return bool(wide)
        return bool(table_places(wide)) or any(map(self._is_table, wide.values()))

    def _is_table(self, x: Tensor) -> bool:
        return fingerprint(x) in self._tables

    def _new_tables(self, results: dict[str, Tensor]) -> tuple[str, ...]:
        wide = {place: x for place, x in results.items() if is_wide(x)}
        return table_places(wide) if wide else ()

    def _keep(
        self, kept: list[CallRecord], record: OpenCall, outputs: Mapping[str, Tensor], **facts: Any
    ) -> None:
        closed_call = record.closed_call
        function = (
            closed_call.function
            if closed_call
            else record.frame and self._functions.of_frame(record.frame)
        )
        if function is None:
            return
        if closed_call is not None:
            facts |= {"runner": closed_call.runner, "has_cos": closed_call.has_cos}
        copies = {place: x.detach().clone() for place, x in outputs.items()}
        call = CallRecord(
            function,
            record.owner,
            self._next(),
            record.before,
            copies,
            first=record.first,
            **facts,
        )
        kept.append(call)

    def _next(self) -> int:
        self._order += 1
        return self._order

    def _owner(self) -> str:
        return self._stack[-1].owner if self._stack else ""

    def _trace(self) -> FrameOperations | None:
        return self._stack[-1].operations if self._stack else None


def _lanes(record: OpenCall, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The arguments that may hold lanes to be turned: they came back in their shape."""
    shapes = [y.shape for y in outputs.values()]
    return {
        name: x
        for name, x in record.values.items()
        if isinstance(x, Tensor) and x.dim() > 2 and x.shape in shapes and shows_angles(x)
    }


def _same_shape(arguments: Iterable[tuple[str, Tensor]], outputs: Mapping[str, Tensor]) -> bool:
    """Whether a tensor came back in the shape of one that went in."""
    shapes = {x.shape for _, x in arguments}
    return any(x.shape in shapes for x in outputs.values())


skip(Witness._profile.__code__)
