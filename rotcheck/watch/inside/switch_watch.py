"""Sees who sets a process-wide switch of torch: each function that does so tells who called it.

Where torch's own function calls one of `torch._C`, that one is replaced, so that what a program
holds of torch stays itself.
"""

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from rotcheck.measure import switches
from rotcheck.watch.inside.callers import Line, program_lines
from rotcheck.watch.inside.record_file import RecordFile

MOST = 64  # calls of one function that are looked at


@dataclass(frozen=True, slots=True)
class Setter:
    """A function that sets a switch."""

    owner: Any
    name: str
    switch: str  # the name of the switch in `rotcheck.measure.switches`
    public_name: str = ""  # what people call in its place, where that is another function

    @property
    def function(self) -> str:
        """The function as people know it: `torch.set_default_dtype`."""
        return self.public_name or f"{self.owner.__name__}.{self.name}"


_EXECUTOR, _FUSERS = "TorchScript executor", "TorchScript fusers"
SETTERS = (
    Setter(torch._C, "_jit_set_profiling_executor", _EXECUTOR),
    Setter(torch._C, "_jit_set_profiling_mode", _EXECUTOR),
    Setter(torch._C, "_jit_override_can_fuse_on_cpu", _FUSERS),
    Setter(torch._C, "_jit_override_can_fuse_on_gpu", _FUSERS),
    Setter(torch._C, "_jit_set_texpr_fuser_enabled", _FUSERS),
    Setter(torch._C, "_set_default_dtype", "default dtype", "torch.set_default_dtype"),
    Setter(torch._C, "_set_default_tensor_type", "default dtype", "torch.set_default_tensor_type"),
    Setter(torch, "set_default_device", "default device"),
    Setter(torch, "set_autocast_enabled", "autocast"),
    Setter(
        torch._C,
        "_set_float32_matmul_precision",
        "float32 matmul precision",
        "torch.set_float32_matmul_precision",
    ),
    Setter(torch._C, "_set_cublas_allow_tf32", "float32 matmul precision"),
    Setter(
        torch._C,
        "_set_deterministic_algorithms",
        "deterministic mode",
        "torch.use_deterministic_algorithms",
    ),
)


def _default_device() -> Any:
    """The default device as it was set: torch's own getter may start a GPU to say which one."""
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return getattr(context, "device", None)


_READERS = {"default device": _default_device}


def _switch(name: str) -> switches.Switch:
    switch = next(switch for switch in switches.SWITCHES if switch.name == name)
    return replace(switch, read=_READERS.get(name, switch.read))


class SwitchWatch:
    """Writes down each change of a switch, once for each line that makes it."""

    def __init__(self, record: RecordFile) -> None:
        self._record = record
        self._lines: set[Any] = set()
        self._reads = False  # the switches are being read, by some of the same functions

    def begin(self) -> None:
        """Put a function that tells in the place of each that this torch has."""
        for setter in SETTERS:
            if hasattr(setter.owner, setter.name):
                setattr(setter.owner, setter.name, self._telling(setter))

    def _telling(self, setter: Setter) -> Callable[..., Any]:
        function = getattr(setter.owner, setter.name)
        switch = _switch(setter.switch)
        calls = 0

        @functools.wraps(function)
        def set_switch(*arguments: Any, **keywords: Any) -> Any:
            nonlocal calls
            if self._reads:
                return function(*arguments, **keywords)
            calls += 1
            if calls > MOST:
                setattr(setter.owner, setter.name, function)
                return function(*arguments, **keywords)
            before = self._read(switch)
            value = function(*arguments, **keywords)
            self._note(setter, switch, before, arguments)
            return value

        return set_switch

    def _read(self, switch: switches.Switch) -> Any:
        self._reads = True
        try:
            return switch.read()
        finally:
            self._reads = False

    def _note(
        self, setter: Setter, switch: switches.Switch, before: Any, arguments: tuple[Any, ...]
    ) -> None:
        after = self._read(switch)
        where: list[Line] = program_lines(sys._getframe(1))
        key = (setter.name, repr(before), repr(after), *map(tuple, where[:1]))
        if before == after or not where or key in self._lines:
            return
        self._lines.add(key)
        self._record.write(
            "switch",
            switch=switch.name,
            setter=setter.function,
            call=f"{setter.function}({', '.join(map(repr, arguments))})",
            change=switches.change(switch, before, after),
            parts=_parts(switch, before, after),
            where=where,
        )


def _parts(switch: switches.Switch, before: Any, after: Any) -> dict[str, tuple[str, str]]:
    """The values that have changed, before and after, by the name of what they are a part of."""
    if not switch.parts:
        return {"": (repr(before), repr(after))}
    triples = zip(switch.parts, map(repr, before), map(repr, after), strict=True)
    return {part: (was, now) for part, was, now in triples if was != now}
