"""Writes down which functions turned a tensor, by which angles, and whether that is right."""

from types import CodeType
from typing import Any

import torch
from torch import Tensor

from rotcheck.watch.inside.call_watch import CallWatch, WatchCall
from rotcheck.watch.inside.callers import absolute
from rotcheck.watch.inside.exchange_watch import ExchangeWatch
from rotcheck.watch.inside.record_file import RecordFile
from rotcheck.watch.inside.step_watch import StepWatch
from rotcheck.watch.inside.tensor_parts import part
from rotcheck.witness.call_record import TensorTurn

IDLE = "is handed tables, and what comes back is not what went in, turned"


class RotationRecord:
    """Told of calls by the watch of calls; writes each kind of call once."""

    def __init__(self, record: RecordFile, exchanges: ExchangeWatch, steps: StepWatch) -> None:
        self._record, self._exchanges, self._steps = record, exchanges, steps
        self._lines: set[tuple[Any, ...]] = set()
        self._lengths: set[int] = set()
        self._attentions: dict[tuple[Any, ...], int] = {}  # how many were judged, by their lines
        self._functions: set[int] = set()  # ids of the codes of those that were written down

    def know_lengths(self, lengths: set[int]) -> None:
        """Know how many tokens the model is handed: axes of that size are the sequence."""
        self._lengths = lengths

    def write_turn(
        self,
        call: WatchCall,
        turns: tuple[TensorTurn, ...],
        outputs: dict[str, Tensor],
        owner: str,
    ) -> None:
        """Write what a call turned."""
        from rotcheck.watch.inside.turn_verdict import FEW_ROWS, turn_verdict  # half a second

        code = id(call.sight.code)
        for turn in turns:
            self._exchanges.know_turn(_place(call.sight.code), turn)
            x = call.values[turn.argument]
            after = next(y for y in outputs.values() if torch.equal(part(y).detach(), turn.after))
            axis = self.sequence(x)
            verdict = turn_verdict(turn, axis)
            words = "" if turn.turn.blank else self._steps.know_turn(code, owner, turn, axis)
            if words:
                facts = {"verdict": "disagrees", "finding": "cache-positions", "message": words}
                verdict = {**verdict, **facts}
            if verdict["message"] == FEW_ROWS and code in self._functions:
                continue  # a step of decoding, of a function that was seen in longer calls
            self._functions.add(code)
            if axis is None or x.shape[axis] != turn.before.shape[axis]:
                verdict["positions"] = []  # of a part of the sequence
            dtypes = [_name(x.dtype), _name(after.dtype)]
            devices = [str(x.device), str(after.device)]
            self._write(
                call, owner, argument=turn.argument, dtypes=dtypes, devices=devices, **verdict
            )

    def write_idle(
        self,
        call: WatchCall,
        turns: tuple[TensorTurn, ...],
        outputs: dict[str, Tensor],
        owner: str,
    ) -> None:
        """Write that a call was handed tables and turned nothing."""
        x = next(iter(call.values.values()))
        self._write(
            call,
            owner,
            argument="",
            does="",
            angles="",
            verdict="unidentified",
            finding="",
            message=IDLE,
            positions=[],
            dtypes=[_name(x.dtype)],
            devices=[str(x.device)],
        )

    def write_attention(
        self, place: list[Any], owner: str, dtype: torch.dtype, **facts: Any
    ) -> None:
        """Write what entered an attention, which a line of the program calls."""
        self._attentions[tuple(place)] = self._attentions.get(tuple(place), 0) + 1
        facts |= {"module": "", "argument": "", "angles": "", "positions": []}
        self._write_once("rotation", place=place, owner=owner, dtypes=[_name(dtype)], **facts)

    def write_part(self, inner: CodeType, outer: CodeType) -> None:
        """Write that a function which turned something is a part of another one."""
        self._write_once("part", inner=_place(inner), outer=_place(outer))

    def write_counts(self, watch: CallWatch, windows: int) -> None:
        """Write how often each function that turned something was called so far, and which of
        the program's functions run compiled."""
        self._record.write("window", count=windows)
        for sight in watch.sights.values():
            if sight.compiled:
                self._write_once("compiled", place=_place(sight.code))
            if sight.turns or sight.idle:
                self._record.write("calls", place=_place(sight.code), count=sight.calls)
        for place, count in self._attentions.items():
            self._record.write("calls", place=place, count=count)

    def sequence(self, x: Tensor) -> int | None:
        """The axis of a tensor that has the size of the model's sequence."""
        axes = [axis for axis, size in enumerate(x.shape[:-1]) if size in self._lengths]
        return axes[-1] if axes else None

    def _write(self, call: WatchCall, owner: str, **facts: Any) -> None:
        code = call.sight.code
        names = {"function": code.co_qualname, "module": call.frame.f_globals.get("__name__", "")}
        self._write_once("rotation", place=_place(code), owner=owner, **names, **facts)

    def _write_once(self, kind: str, **facts: Any) -> None:
        key = (kind, *(str(value) for name, value in facts.items() if name != "owner"))
        if key not in self._lines:
            self._lines.add(key)
            self._record.write(kind, **facts)


def _place(code: CodeType) -> list[Any]:
    return [absolute(code.co_filename), code.co_firstlineno, code.co_qualname]


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
