"""Whose code a frame runs: which function, and whether it is a stranger's."""

import gc
import os
import re
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from types import CodeType, FrameType, FunctionType

import torch

import rotcheck

# each ends with a separator: torchtune lies beside torch
_OURS = tuple(os.path.join(Path(file).parent, "") for file in (rotcheck.__file__, torch.__file__))
_APPLY = re.compile(r"apply_?\w*(rotary|rope)|(rotary|rope)_?apply", re.IGNORECASE)
_STANDARD = sysconfig.get_path("stdlib")  # within it, site-packages holds what is not Python's


class FrameFunctions:
    """The functions whose code runs in frames, each looked for once."""

    def __init__(self) -> None:
        self._functions: dict[int, list[FunctionType]] = {}  # by the id of their code

    def know(self, function: FunctionType) -> None:
        """Know a function before its code runs."""
        self._functions.setdefault(id(function.__code__), []).append(function)

    def of_frame(self, frame: FrameType) -> FunctionType | None:
        """The function that a frame runs."""
        function = _among(self._functions.get(id(frame.f_code), ()), frame)
        if function is None:
            holders = [holder for holder in gc.get_referrers(frame.f_code) if _runs(holder, frame)]
            function = next(iter(holders), None)
            # code of the same instructions is equal, and so no key; the function keeps its id
            self._functions.setdefault(id(frame.f_code), []).extend(holders)
        return function


def _among(functions: Iterable[FunctionType], frame: FrameType) -> FunctionType | None:
    return next((holder for holder in functions if _has_values_of(holder, frame)), None)


def _runs(holder: object, frame: FrameType) -> bool:
    if not isinstance(holder, FunctionType):
        return False
    return holder.__code__ is frame.f_code and _has_values_of(holder, frame)


def _has_values_of(function: FunctionType, frame: FrameType) -> bool:
    """Whether a frame runs this function, and not another one with the same code: a decorator's."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or ())
    values = frame.f_locals
    return all(values.get(name) is cell.cell_contents for name, cell in cells if name in values)


def is_named_rotary(name: str) -> bool:
    """Whether a function has the name of one that turns tensors: apply_rotary_emb, rope_apply."""
    return _APPLY.search(name) is not None


def is_strangers(code: CodeType) -> bool:
    """Whether code is neither torch's, nor Python's, nor ours."""
    file = code.co_filename
    if file.startswith(_OURS) or file.startswith("<frozen"):
        return False
    return not file.startswith(_STANDARD) or "-packages" in file[len(_STANDARD) :]
