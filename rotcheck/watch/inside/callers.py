"""Who called: the lines of the program that led to a call, without those of torch, of Python
itself and of the watch."""

import os
import sys
from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType

MOST = 6  # lines that are told, the innermost first
_WATCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OURS = os.path.dirname(_WATCH) + os.sep
_STANDARD = os.path.dirname(os.__file__)  # within it, site-packages holds what is not Python's

Line = list[str | int]
"""File, line and function."""


def program_lines(frame: FrameType | None) -> list[Line]:
    """The lines of the program from a frame outwards, innermost first."""
    return _program_lines((each, each.f_lineno) for each in _outwards(frame))


def trace_lines(trace: TracebackType | None) -> list[Line]:
    """The lines of the program that an exception came through, innermost first."""
    pairs = []
    while trace is not None:
        pairs.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return _program_lines(reversed(pairs))


def is_of_program(frame: FrameType) -> bool:
    """Whether lines of the program led to a frame, and not rotcheck's alone."""
    files = (each.f_code.co_filename for each in _outwards(frame))
    return any(not is_passed_over(file) and not file.startswith(_OURS) for file in files)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _program_lines(frames: Iterable[tuple[FrameType, int | None]]) -> list[Line]:
    lines: list[Line] = []
    for frame, line in frames:
        file = frame.f_code.co_filename
        if not is_passed_over(file) and len(lines) < MOST:
            lines.append([absolute(file), line or 0, frame.f_code.co_name])
    return lines


def is_passed_over(file: str) -> bool:
    """Whether a file is torch's, the watch's or Python's own."""
    if file.startswith(_STANDARD):
        return "-packages" not in file[len(_STANDARD) :] or is_torch(file)
    return file.startswith((_WATCH, "<frozen")) or is_torch(file)


def is_torch(file: str) -> bool:
    """Whether a file belongs to torch."""
    torch = sys.modules.get("torch")
    folder = os.path.dirname(getattr(torch, "__file__", None) or "")
    return bool(folder) and file.startswith(folder + os.sep)


def absolute(file: str) -> str:
    """A file's path from the root; what is no path, as `<string>`, stays as it is."""
    return file if file.startswith("<") else os.path.abspath(file)
