"""Keeps our own code from `torch.compile`, which compiles whatever a program calls."""

import functools
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, TypeVar, cast

from torch._C._dynamo import eval_frame

Function = TypeVar("Function", bound=Callable[..., Any])


def uncompiled(function: Function) -> Function:
    """A function that runs as it is, and all that it calls, also within what is compiled."""

    @functools.wraps(function)
    def run(*arguments: Any) -> Any:
        before = eval_frame.set_eval_frame(None)
        try:
            return function(*arguments)
        finally:
            eval_frame.set_eval_frame(before)

    skip(cast(FunctionType, run).__code__)
    return cast(Function, run)


def skip(code: CodeType) -> None:
    """Have the compiler leave the frames of this code alone."""
    if hasattr(eval_frame, "set_code_exec_strategy"):
        action = eval_frame._FrameAction
        strategy = eval_frame._FrameExecStrategy(action.SKIP, action.DEFAULT)
        eval_frame.set_code_exec_strategy(code, strategy)
    else:  # torch 2.7 and older
        getattr(eval_frame, "skip_code")(code)  # noqa: B009 (newer ones have no such name)
