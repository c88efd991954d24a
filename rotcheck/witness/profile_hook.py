"""Switches on a function that the interpreter calls for each call (`sys.setprofile`), without
hanging; and says when it may look at a tensor."""

import ctypes
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch

WAIT = 1000  # rounds of a loop, in one of which the exception comes


def may_look() -> bool:
    """Whether a tensor may be looked at: not while torch records or transforms what is done."""
    if torch._C._get_tracing_state() is not None or torch._C._len_torch_dispatch_stack():
        return False
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return False
    has_begun = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return not (has_begun and torch.cuda.is_current_stream_capturing())


class _Clearing(BaseException):
    """What clears the interpreter's flag when it is raised."""


def set_profile(function: Callable[[FrameType, str, Any], None]) -> None:
    """Call a function for each call of this thread, as `sys.setprofile` does.

    CPython 3.11 hangs in the first call if an exception for a thread
    (`PyThreadState_SetAsyncExc`) was taken back, or its thread ended before it came: the flag that
    one is due stays set, and each profiled call begins again as long as it is. One that is raised
    here clears it.
    """
    if sys.version_info < (3, 12):
        _clear_flag()
    sys.setprofile(function)


def _clear_flag() -> None:
    thread = ctypes.c_ulong(threading.get_ident())
    try:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(_Clearing))
        for _ in range(WAIT):
            pass
    except _Clearing:
        pass
