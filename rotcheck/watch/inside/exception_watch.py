"""Sees the exceptions that a program catches around rotary code, so that something else runs.

The interpreter tells of exceptions frame by frame (`sys.settrace`). One that a frame has met, and
that it returns after by itself, was caught in it. No exception is held: with it stays what its
frames hold, and a program may catch it to have that memory back.
"""

import dis
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any

from rotcheck.rotary_names import IN_SOURCE
from rotcheck.watch.inside.call_watch import CallWatch
from rotcheck.watch.inside.callers import Line, absolute, program_lines
from rotcheck.watch.inside.import_watch import KERNELS
from rotcheck.watch.inside.record_file import RecordFile
from rotcheck.witness.uncompiled import uncompiled

MOST_CALLS = 64  # of one function that are watched
LONGEST = 500  # characters of a message
_RETURNS = {
    dis.opmap[name]
    for name in ("RETURN_VALUE", "RETURN_CONST", "YIELD_VALUE", "RETURN_GENERATOR")
    if name in dis.opmap
}
_CONTROL = (StopIteration, StopAsyncIteration, GeneratorExit)  # they end loops, and are no failure

Tracer = Callable[[FrameType, str, Any], Any]


@dataclass(frozen=True, slots=True)
class CaughtError:
    """An exception that a frame has met."""

    text: str
    line: Line
    is_rotary: bool  # by the names of what it came through
    turning_calls: int  # how many calls had turned something before it


class ExceptionWatch:
    """Writes each exception that was caught around rotary code, once for the line that met it."""

    def __init__(self, record: RecordFile, watch: CallWatch) -> None:
        self._record, self._watch = record, watch
        self._errors: dict[FrameType, list[CaughtError]] = {}
        self._lines: set[tuple[Any, ...]] = set()

    @uncompiled
    def trace(self, frame: FrameType, event: str, argument: Any) -> Tracer | None:
        """Choose the frames whose exceptions are told: for `sys.settrace`."""
        sight = self._watch.sight(frame.f_code)
        if not sight.strange or sight.calls > MOST_CALLS:
            return None
        frame.f_trace_lines = False
        return self._hear

    def leave(self) -> None:
        """Hold nothing of the program any more."""
        self._errors.clear()

    @uncompiled
    def _hear(self, frame: FrameType, event: str, argument: Any) -> Tracer:
        if event == "exception" and not issubclass(argument[0], _CONTROL):
            self._errors.setdefault(frame, []).append(self._error(frame, *argument))
        elif event == "return":
            errors = self._errors.pop(frame, None)
            if errors and frame.f_code.co_code[frame.f_lasti] in _RETURNS:
                self._tell(frame, errors)
        return self._hear

    def _error(
        self,
        frame: FrameType,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> CaughtError:
        line: Line = [absolute(frame.f_code.co_filename), frame.f_lineno, frame.f_code.co_qualname]
        text = f"{kind.__name__}: {error}"[:LONGEST]
        return CaughtError(text, line, _is_rotary(frame, trace), self._watch.turning_calls)

    def _tell(self, frame: FrameType, errors: list[CaughtError]) -> None:
        for error in errors:
            is_before_turn = self._watch.turning_calls > error.turning_calls
            key = (*error.line, error.text.partition(":")[0])
            if (is_before_turn or error.is_rotary) and key not in self._lines:
                self._lines.add(key)
                where = [error.line, *program_lines(frame.f_back)]
                function = frame.f_code.co_qualname
                self._record.write("swallowed", function=function, error=error.text, where=where)


def _is_rotary(frame: FrameType, trace: TracebackType | None) -> bool:
    """Whether the function that met an exception, or what that came through, names rotary code or
    belongs to a package of kernels."""
    names = [_names(frame)]
    while trace is not None:
        names.append(_names(trace.tb_frame))
        trace = trace.tb_next
    return any(re.search(IN_SOURCE, name) or module in KERNELS for name, module in names)


def _names(frame: FrameType) -> tuple[str, str]:
    """The names of a frame's file and function, and its package."""
    code, module = frame.f_code, str(frame.f_globals.get("__name__", ""))
    return f"{module.rpartition('.')[2]} {code.co_qualname}", module.partition(".")[0]
