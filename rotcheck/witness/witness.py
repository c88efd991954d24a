"""Sees the Python calls of a forward pass, and keeps those that have to do with a rotation.

The interpreter tells of each call (`sys.setprofile`): a copy of its tensors is held against what
comes back. Nothing of the model is replaced, and no function has to have a known name.
"""

import gc
import inspect
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import Module

import rotcheck
from rotcheck.witness.attention import AttentionCall, AttentionWitness
from rotcheck.witness.call_record import (
    CallRecord,
    TensorTurn,
    map_tensors,
    tensors_in,
)
from rotcheck.witness.frame_operations import FrameOperations
from rotcheck.witness.packed_parts import turns_of_parts
from rotcheck.witness.profile_hook import set_profile
from rotcheck.witness.table_values import fingerprint, table_places
from rotcheck.witness.turning import may_turn

MOST_ELEMENTS = 1 << 22  # of a tensor that is copied
# each ends with a separator: torchtune lies beside torch
_OURS = tuple(os.path.join(Path(file).parent, "") for file in (rotcheck.__file__, torch.__file__))
_STANDARD = sysconfig.get_path("stdlib")  # within it, site-packages holds what is not Python's


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
    """

    def __init__(self, model: Module | None = None) -> None:
        self.calls: list[CallRecord] = []
        self.makers: list[CallRecord] = []
        self.idle: list[CallRecord] = []
        self.table_free: list[CallRecord] = []
        modules = () if model is None else model.named_modules()
        self._names: dict[int, str] = {id(module): name for name, module in modules}
        self._stack: list[_Frame] = []
        self._copies: dict[tuple[Any, ...], tuple[Tensor, Tensor]] = {}
        self._tables: set[tuple[Any, ...]] = set()  # fingerprints of tables that were made
        self._functions: dict[int, list[FunctionType]] = {}  # by the id of their code
        self._order = 0
        self._modes = ExitStack()
        self._attention = AttentionWitness(self._next, self._owner, self._trace)

    @property
    def attention(self) -> list[AttentionCall]:
        """What entered each attention, in the order of the calls."""
        return self._attention.calls

    def __enter__(self) -> Self:
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
            if _is_strangers(frame.f_code):
                with torch.no_grad(), torch._C.DisableTorchFunction():
                    self._begin(frame)
        elif event == "return" and self._stack and self._stack[-1].frame is frame:
            record = self._stack.pop()
            with torch.no_grad(), torch._C.DisableTorchFunction():  # what we compute is not seen
                self._end(record, result)

    def _begin(self, frame: FrameType) -> None:
        values = frame.f_locals
        code = frame.f_code
        count = code.co_argcount + code.co_kwonlyargcount
        count += bool(code.co_flags & inspect.CO_VARARGS)
        count += bool(code.co_flags & inspect.CO_VARKEYWORDS)
        owner = values.get("self")
        values = {name: values[name] for name in code.co_varnames[:count] if name in values}
        place = self._place(owner)
        before = map_tensors(values, self._copy)
        self._stack.append(_Frame(frame, values, before, place, self._marks(), self._order))

    def _marks(self) -> "Marks":
        return len(self.calls), len(self.makers), len(self.idle), len(self.table_free)

    def _place(self, owner: object) -> str:
        """The name of the module at work: a call's `self`, or that of its caller."""
        if isinstance(owner, Module) and (id(owner) in self._names or not self._names):
            return self._names.get(id(owner), "")
        return self._owner()

    def _copy(self, tensor: Tensor) -> Tensor:
        """A copy of a tensor, the same one for as long as it is not written to."""
        if not _has_values(tensor):
            return tensor
        key = _identity(tensor)
        if key not in self._copies:  # the tensor is kept too, so that its id stays its own
            self._copies[key] = (tensor, tensor.detach().clone())
        return self._copies[key][1]

    def _end(self, record: "_Frame", result: Any) -> None:
        results = {place: x for place, x in tensors_in(result) if _has_values(x)}
        arguments = [
            (name + place, before)
            for name, value in record.before.items()
            for place, before in tensors_in(value)
            if _is_wide(before)
        ]
        outputs = results or dict(_changes_in_place(record))
        turns = tuple(_find_turns(arguments, outputs, record.values)) if arguments else ()
        within = record.marks[0] != len(self.calls)
        inline = () if turns or within else tuple(record.operations.turns(record.frame.f_locals))
        if self._stack:
            self._stack[-1].operations.add_call(record.values, result, record.operations)
        tables = self._new_tables(results)
        if turns or inline:
            self._add(record, outputs, turns or inline, not turns)
        elif tables:
            self._add_maker(record, results, tables)
        elif not within and record.marks[2:] == self._marks()[2:]:
            self._add_idle(record, outputs)
            if record.marks[2] == len(self.idle):
                self._add_table_free(record, outputs)

    def _add(
        self,
        record: "_Frame",
        outputs: Mapping[str, Tensor],
        turns: tuple[TensorTurn, ...],
        inline: bool = False,
    ) -> None:
        del self.calls[record.marks[0] :]  # what turned within is a part of this call
        del self.idle[record.marks[2] :]
        del self.table_free[record.marks[3] :]
        self._keep(self.calls, record, outputs, turns=turns, inline=inline)

    def _add_maker(
        self, record: "_Frame", results: Mapping[str, Tensor], tables: tuple[str, ...]
    ) -> None:
        del self.makers[record.marks[1] :]
        self._keep(self.makers, record, results, tables=tables)
        for place in tables:
            self._tables.add(fingerprint(results[place]))

    def _add_idle(self, record: "_Frame", outputs: Mapping[str, Tensor]) -> None:
        arguments = {
            name + place: x
            for name, value in record.values.items()
            for place, x in tensors_in(value)
            if _is_wide(x)
        }
        shapes = [x.shape for x in arguments.values()]
        if len(arguments) < 2 or not any(y.shape in shapes for y in outputs.values()):
            return
        places = table_places(arguments)
        tables = {name: x for name, x in arguments.items() if name in places or self._is_table(x)}
        row_shapes = {x.shape for name, x in arguments.items() if name not in tables}
        has_rows = any(y.shape in row_shapes and not self._is_table(y) for y in outputs.values())
        if tables and has_rows and record.operations.may_be_rotation(list(tables.values())):
            reads = record.operations.reads(list(tables.values()))
            self._keep(
                self.idle, record, outputs, table_arguments=tuple(tables), reads_tables=reads
            )

    def _add_table_free(self, record: "_Frame", outputs: Mapping[str, Tensor]) -> None:
        shapes = [y.shape for y in outputs.values()]
        lanes = {
            name: x
            for name, x in record.values.items()
            if isinstance(x, Tensor) and _is_wide(x) and x.dim() > 2 and x.shape in shapes
        }
        names = tuple(name for name, x in lanes.items() if self._has_cos(record, x))
        if names:
            self._keep(self.table_free, record, outputs, lanes=names)

    def _has_cos(self, record: "_Frame", x: Tensor) -> bool:
        """Whether a call multiplied a tensor with cos and sin of several positions."""
        factors, is_circular = record.operations.factors_of(x)
        wide = {str(index): y for index, y in enumerate(factors) if _is_wide(y) and _has_rows(y)}
        if not wide or is_circular:
            return bool(wide)
        return bool(table_places(wide)) or any(map(self._is_table, wide.values()))

    def _is_table(self, x: Tensor) -> bool:
        return fingerprint(x) in self._tables

    def _new_tables(self, results: dict[str, Tensor]) -> tuple[str, ...]:
        wide = {place: x for place, x in results.items() if _is_wide(x)}
        return table_places(wide) if wide else ()

    def _keep(
        self, kept: list[CallRecord], record: "_Frame", outputs: Mapping[str, Tensor], **facts: Any
    ) -> None:
        function = self._function(record.frame)
        if function is None:
            return
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

    def _function(self, frame: FrameType) -> FunctionType | None:
        """The function that a frame runs."""
        functions = self._functions.get(id(frame.f_code), [])
        function = next((holder for holder in functions if _has_values_of(holder, frame)), None)
        if function is None:
            holders = [holder for holder in gc.get_referrers(frame.f_code) if _runs(holder, frame)]
            function = next(iter(holders), None)
            # code of the same instructions is equal, and so no key; the function keeps its id
            self._functions.setdefault(id(frame.f_code), []).extend(holders)
        return function


def _runs(holder: object, frame: FrameType) -> bool:
    if not isinstance(holder, FunctionType):
        return False
    return holder.__code__ is frame.f_code and _has_values_of(holder, frame)


def _has_values_of(function: FunctionType, frame: FrameType) -> bool:
    """Whether a frame runs this function, and not another one with the same code: a decorator's."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or ())
    values = frame.f_locals
    return all(values.get(name) is cell.cell_contents for name, cell in cells if name in values)


Marks = tuple[int, int, int, int]
"""How many calls, makers, idle ones and those without tables there were."""


class _Frame:
    """A call that has not ended."""

    __slots__ = ("before", "first", "frame", "marks", "operations", "owner", "values")

    def __init__(
        self,
        frame: FrameType,
        values: Mapping[str, Any],
        before: Mapping[str, Any],
        owner: str,
        marks: Marks,
        first: int,
    ) -> None:
        self.frame, self.values, self.before, self.owner = frame, values, before, owner
        self.operations = FrameOperations()
        self.first = first  # how many calls had been numbered by then
        self.marks = marks  # when it began


def _is_strangers(code: CodeType) -> bool:
    """Whether code is neither torch's, nor Python's, nor ours."""
    file = code.co_filename
    if file.startswith(_OURS) or file.startswith("<frozen"):
        return False
    return not file.startswith(_STANDARD) or "-packages" in file[len(_STANDARD) :]


def _has_values(tensor: Tensor) -> bool:
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        return False  # within vmap
    return tensor.layout == torch.strided and tensor.device.type != "meta" and (
        0 < tensor.numel() <= MOST_ELEMENTS
    )  # fmt: skip


def _is_wide(tensor: Tensor) -> bool:
    """Whether a tensor can hold lanes in rows."""
    kind = tensor.is_floating_point() or tensor.is_complex()
    return kind and tensor.dim() >= 2 and _has_values(tensor)


def _has_rows(tensor: Tensor) -> bool:
    """Whether the rows of a tensor are not all the same."""
    rows = tensor.detach().flatten(0, -2)  # (N, D)
    return bool((rows != rows[0]).any())


def _identity(tensor: Tensor) -> tuple[Any, ...]:
    version = 0 if tensor.is_inference() else tensor._version
    return id(tensor), version, tensor.data_ptr(), tensor.shape, tensor.stride()


def _changes_in_place(record: _Frame) -> Iterator[tuple[str, Tensor]]:
    """Yield the arguments that a call has written into, by their names."""
    before = {
        name + place: x for name, value in record.before.items() for place, x in tensors_in(value)
    }
    for name, value in record.values.items():
        for place, x in tensors_in(value):
            copy = before.get(name + place)
            if copy is not None and _is_wide(x) and x is not copy and not torch.equal(x, copy):
                yield name + place, x


def _find_turns(
    arguments: list[tuple[str, Tensor]], outputs: Mapping[str, Tensor], values: Mapping[str, Any]
) -> Iterator[TensorTurn]:
    """Yield each argument that came back turned.

    `values`: the arguments themselves, of which those in `arguments` are copies.
    """
    needs_gradient = {
        name + place: x.requires_grad
        for name, value in values.items()
        for place, x in tensors_in(value)
    }
    rest = dict(outputs)
    for name, before in arguments:
        for place, after in list(rest.items()):
            if before.shape != after.shape or before.is_complex() != after.is_complex():
                continue
            turns = list(turns_of_parts(before, after)) if may_turn(before, after) else []
            for part, turn in turns:
                pair = [x if part is None else x.select(*part) for x in (before, after)]
                fields = (place, part, needs_gradient.get(name, False), after.grad_fn)
                yield TensorTurn(name, pair[0], pair[1].detach().clone(), turn, *fields)
            if turns:
                del rest[place]
                break
