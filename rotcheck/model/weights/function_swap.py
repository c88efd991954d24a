"""Another function runs in the place of one, wherever it is referred to, and is put back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any

_HOLE = "what is called instead"


def _template(*args: Any, **kwargs: Any) -> Any:
    target: Any = "what is called instead"
    return target(*args, **kwargs)


@contextmanager
def function_swap(
    function: FunctionType, instead: Callable[[FunctionType], Callable[..., Any]]
) -> Iterator[None]:
    """Let a call of `function` be one of another function, while the `with` block lasts.

    Its code is exchanged and the function object stays: so it does not matter whether it was
    imported elsewhere by name, is a method, or stands in a closure.

    Args:
        function: to be replaced.
        instead: makes what is called instead, from a copy of the function as it was.
    """
    original = function.__code__
    copy = FunctionType(
        original,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    function.__code__ = _calling(instead(copy), original)
    try:
        yield
    finally:
        function.__code__ = original


def _calling(target: Callable[..., Any], original: CodeType) -> CodeType:
    """Code that calls a target, with the free variables that the function's closure fills."""
    code = _template.__code__
    constants = tuple(target if value == _HOLE else value for value in code.co_consts)
    return code.replace(
        co_consts=constants, co_freevars=original.co_freevars, co_name=original.co_name
    )
