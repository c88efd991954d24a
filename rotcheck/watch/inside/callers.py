"""Who called: the lines of the program that led to a call, without those of torch, of Python's
import and of the watch."""

import os
import sys
from types import FrameType

MOST = 6  # lines that are told, the innermost first
_WATCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_PASSED_OVER = ("<frozen importlib", os.path.dirname(os.__file__) + "/importlib/__init__.py")

Line = list[str | int]
"""File, line and function."""


def program_lines(frame: FrameType | None) -> list[Line]:
    """The lines of the program from a frame outwards, innermost first."""
    lines: list[Line] = []
    while frame is not None and len(lines) < MOST:
        file = frame.f_code.co_filename
        if not is_passed_over(file):
            lines.append([absolute(file), frame.f_lineno or 0, frame.f_code.co_name])
        frame = frame.f_back
    return lines


def is_passed_over(file: str) -> bool:
    """Whether a file is torch's, the watch's or part of Python's import."""
    return file.startswith((_WATCH, *_PASSED_OVER)) or is_torch(file)


def is_torch(file: str) -> bool:
    """Whether a file belongs to torch."""
    torch = sys.modules.get("torch")
    folder = os.path.dirname(getattr(torch, "__file__", None) or "")
    return bool(folder) and file.startswith(folder + os.sep)


def absolute(file: str) -> str:
    """A file's path from the root; what is no path, as `<string>`, stays as it is."""
    return file if file.startswith("<") else os.path.abspath(file)
