"""The process-wide switches of torch and Python that
an implementation may change as a side effect."""

import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch: its name, the code of the finding when it was changed,
    how to read it and to set it."""

    name: str
    finding: str
    read: Callable[[], Any]
    write: Callable[[Any], Any]
    parts: tuple[str, ...] = ()  # names of the values that it has several of
    by_calls: bool = False  # only a call must not change it; many imports do, without harm


World = dict[str, Any]
"""The value of each switch, by name."""


def _read_executor() -> tuple[bool, bool]:
    executor = torch._C._jit_set_profiling_executor(True)
    mode = torch._C._jit_set_profiling_mode(True)
    _write_executor((executor, mode))
    return executor, mode


def _write_executor(value: tuple[bool, bool]) -> None:
    torch._C._jit_set_profiling_executor(value[0])
    torch._C._jit_set_profiling_mode(value[1])


def _read_fusers() -> tuple[bool, bool, bool]:
    jit = torch._C
    return jit._jit_can_fuse_on_cpu(), jit._jit_can_fuse_on_gpu(), jit._jit_texpr_fuser_enabled()


def _write_fusers(value: tuple[bool, bool, bool]) -> None:
    torch._C._jit_override_can_fuse_on_cpu(value[0])
    torch._C._jit_override_can_fuse_on_gpu(value[1])
    torch._C._jit_set_texpr_fuser_enabled(value[2])


def _read_autocast() -> tuple[bool, bool]:
    return torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled("cuda")


def _write_autocast(value: tuple[bool, bool]) -> None:
    torch.set_autocast_enabled("cpu", value[0])
    torch.set_autocast_enabled("cuda", value[1])


def _read_stream(stream: str, descriptor: int) -> int | None:
    """The bytes written to a standard stream, which is a file in a worker; None: it was closed."""
    try:
        getattr(sys, stream).flush()
        return os.fstat(descriptor).st_size
    except (OSError, ValueError):
        return None


def _leave(_: Any) -> None:
    """Write nothing: it cannot be set, or need not."""


_FUNCTIONS = (
    *((torch, name) for name in ("arange", "cat", "cos", "outer", "polar", "sin", "stack")),
    *((torch.Tensor, name) for name in ("cos", "sin")),
)
"""Functions that tables and rotations are made of:
a file that replaces them changes the truth as well."""


def _read_functions() -> tuple[Any, ...]:
    return tuple(getattr(owner, name) for owner, name in _FUNCTIONS)


def _write_functions(functions: tuple[Any, ...]) -> None:
    for (owner, name), function in zip(_FUNCTIONS, functions):
        setattr(owner, name, function)


_EXECUTOR = ("profiling executor", "profiling mode")
_FUSERS = ("fusing on CPU", "fusing on GPU", "NNC")
_CallSwitch = partial(Switch, by_calls=True)

SWITCHES = (
    Switch("TorchScript executor", "jit-executor", _read_executor, _write_executor, _EXECUTOR),
    Switch("TorchScript fusers", "jit-executor", _read_fusers, _write_fusers, _FUSERS),
    Switch("default dtype", "switches", torch.get_default_dtype, torch.set_default_dtype),
    Switch("default device", "switches", torch.get_default_device, torch.set_default_device),
    Switch("thread count", "switches", torch.get_num_threads, torch.set_num_threads),
    Switch("grad mode", "switches", torch.is_grad_enabled, torch.set_grad_enabled),
    Switch("autocast", "switches", _read_autocast, _write_autocast, ("on cpu", "on cuda")),
    Switch(
        "float32 matmul precision",
        "switches",
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
    Switch(
        "deterministic mode",
        "switches",
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    Switch("functions of torch", "switches", _read_functions, _write_functions),
    # its state holds it
    Switch("torch seed", "random-state", torch.random.initial_seed, _leave),
    _CallSwitch("torch random state", "random-state", torch.get_rng_state, torch.set_rng_state),
    _CallSwitch("Python random state", "random-state", random.getstate, random.setstate),
    _CallSwitch("standard output", "closes", partial(_read_stream, "stdout", 1), _leave),
    _CallSwitch("standard error", "closes", partial(_read_stream, "stderr", 2), _leave),
)


def read() -> World:
    """The value of every switch."""
    return {switch.name: switch.read() for switch in SWITCHES}


def read_streams() -> World:
    """The bytes written to each standard stream; None: it was closed."""
    return {switch.name: switch.read() for switch in SWITCHES if switch.finding == "closes"}


def differing(before: World, after: World) -> list[Switch]:
    """The switches whose values differ between two worlds."""
    return [one for one in SWITCHES if not _are_equal(before[one.name], after[one.name])]


def move(world: World, *, now: World) -> None:
    """Set the switches from the values they have now to those of another world."""
    for switch in differing(now, world):
        switch.write(world[switch.name])


def change(switch: Switch, before: Any, after: Any) -> str:
    """The change of a switch, in words."""
    if switch.finding == "closes":
        return f"closes {switch.name}"
    if switch.parts:
        triples = zip(switch.parts, before, after, strict=True)
        words = ", ".join(f"{part} from {was} to {now}" for part, was, now in triples if was != now)
        return f"{switch.name}: {words}"
    unreadable = switch.finding == "random-state" or len(f"{before}{after}") > 80
    return switch.name if unreadable else f"{switch.name} from {before} to {after}"


def _are_equal(first: Any, second: Any) -> bool:
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    return bool(first == second)
