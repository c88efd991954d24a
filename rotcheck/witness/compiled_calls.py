"""Calls of functions that `torch.compile` or `torch.jit.script` made: seen from outside."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType, FunctionType, MethodType
from typing import Any

import torch
from torch.nn import Module

_DYNAMO = "torch/_dynamo/"
_OF_MODULES = ("_wrapped_call_impl", "_call_impl")
_CIRCULAR = ("aten::cos", "aten::sin", "aten::polar")

Runner = Callable[[Mapping[str, Any]], Any]
"""Makes a call again, with these arguments."""


@dataclass(frozen=True, slots=True)
class ClosedCall:
    """A call whose inside cannot be seen.

    `function`: as it is written in Python; of a script whose source is gone one without arguments.
    `owner`: the module whose method it is. `has_cos`: of a script, whether it takes a cosine or a
    sine of something; None: not known.
    """

    function: FunctionType
    runner: Runner
    arguments: Mapping[str, Any]
    owner: Module | None = None
    has_cos: bool | None = None


def is_compiled(frame: FrameType) -> bool:
    """Whether a frame is the one that begins the call of what `torch.compile` made."""
    code = frame.f_code
    if code.co_name not in ("compile_wrapper", "_fn") or "callback" not in code.co_freevars:
        return False
    return _DYNAMO in code.co_filename.replace("\\", "/")


def compiled_call(frame: FrameType, wrapper: FunctionType) -> ClosedCall | None:
    """The call of what `torch.compile` made; None: of what is not known.

    Args:
        frame: in which the call begins.
        wrapper: the function that the frame runs.
    """
    values = frame.f_locals
    target = _target(values["fn"])
    if target is None:
        return None
    function, owner = target
    try:
        bound = inspect.signature(function).bind(*owner, *values["args"], **values["kwargs"])
    except (TypeError, ValueError):  # the call is about to raise, or its arguments are not known
        return None
    bound.apply_defaults()

    def run(arguments: Mapping[str, Any]) -> Any:
        again = inspect.BoundArguments(bound.signature, dict(arguments))
        return wrapper(*again.args[len(owner) :], **again.kwargs)

    module = owner[0] if owner and isinstance(owner[0], Module) else None
    return ClosedCall(function, run, bound.arguments, module)


def _target(call: Any) -> tuple[FunctionType, tuple[Any, ...]] | None:
    """The function of a program behind what is compiled, and what it is bound to."""
    for _ in range(8):  # wrappers around one another
        if isinstance(call, MethodType) and isinstance(call.__self__, Module):
            if call.__func__.__name__ in _OF_MODULES:
                call = call.__self__
            else:
                return _plain(call.__func__, call.__self__)
        if isinstance(call, Module):
            return _plain(type(call).forward, call)
        if isinstance(call, MethodType):
            return _plain(call.__func__, call.__self__)
        if not isinstance(call, FunctionType):
            return None
        if call.__code__.co_freevars != ("fn",) or _DYNAMO not in call.__code__.co_filename:
            return _plain(call)
        call = (call.__closure__ or ())[0].cell_contents
    return None


def _plain(function: Any, *owner: Any) -> tuple[FunctionType, tuple[Any, ...]] | None:
    return (function, owner) if isinstance(function, FunctionType) else None


Teller = Callable[[ClosedCall, Callable[[], Any]], Any]
"""Told of a call of a script; makes it, and returns what it returned."""


@contextmanager
def scripts_told(tell: Teller) -> Iterator[None]:
    """Tell of each call of a function or method in TorchScript, while the `with` block lasts."""
    kinds: tuple[Any, ...] = (torch._C.ScriptFunction, torch._C.ScriptMethod)
    calls = [kind.__call__ for kind in kinds]
    for kind, call in zip(kinds, calls):
        kind.__call__ = _teller(tell, call)
    try:
        yield
    finally:
        for kind, call in zip(kinds, calls):
            kind.__call__ = call


def _teller(tell: Teller, call: Callable[..., Any]) -> Callable[..., Any]:
    def __call__(script: Any, *args: Any, **kwargs: Any) -> Any:
        return tell(_script_call(script, call, args, kwargs), lambda: call(script, *args, **kwargs))

    return __call__


def _script_call(
    script: Any, call: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> ClosedCall:
    names = [argument.name for argument in script.schema.arguments]
    if names[:1] == ["self"]:
        names = names[1:]
    arguments = {**dict(zip(names, args)), **kwargs}
    source = getattr(script, "_torchdynamo_inline", None)
    function = source if isinstance(source, FunctionType) else _stand_in(script.name)
    has_cos = any(name in str(script.inlined_graph) for name in _CIRCULAR)
    return ClosedCall(function, lambda values: call(script, **values), arguments, has_cos=has_cos)


def _stand_in(name: str) -> FunctionType:
    """A function for a script that has its name, and no more."""
    function = FunctionType((lambda: None).__code__, {})
    function.__qualname__, function.__module__ = name, "torch.jit"
    return function
