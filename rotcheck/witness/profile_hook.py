"""Switches on a function that the interpreter calls for each call (`sys.setprofile`), without
hanging."""

import ctypes
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

WAIT = 1000  # rounds of a loop, in one of which the exception comes


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
