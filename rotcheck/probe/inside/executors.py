"""Runs a scripted rotation under each TorchScript executor and fuser,
and leaves the flags as they were."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch

from rotcheck.probe.devices.stand_ins.meta import use_native_kernels
from rotcheck.probe.inside.thrice import thrice


def new_rotation() -> Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]:
    """A rotation that was never scripted; a function keeps the executor of its first run."""

    def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        """Rotate x (B, S, H, D) by tables (S, 1, D), half pairing:
        the function that models script."""
        half = x.shape[-1] // 2
        return x * cos + torch.cat((-x[..., half:], x[..., :half]), dim=-1) * sin

    return rotate


def settings() -> dict[str, bool]:
    """The executor's settings as they are in this process."""
    return {
        "profiling_executor": _peek(torch._C._jit_set_profiling_executor),
        "profiling_mode": _peek(torch._C._jit_set_profiling_mode),
        "fuse_on_cpu": torch._C._jit_can_fuse_on_cpu(),
        "fuse_on_gpu": torch._C._jit_can_fuse_on_gpu(),
        "onednn": torch._C._jit_llga_enabled(),
    }


def _peek(setter: Callable[[bool], bool]) -> bool:
    """A setting that can only be read by setting it."""
    setting = setter(True)
    setter(setting)
    return setting


def run(device: str, executor: str) -> dict[str, Any]:
    """Script a new rotation and call it three times; return the settings it ran under.

    Raises `CallFailed` when a call raises.
    """
    if device == "meta":
        use_native_kernels()
    tables = torch.ones(3, 1, 8, device=device)  # (S, 1, D)
    x = torch.ones(2, 3, 5, 8, device=device)  # (B, S, H, D)
    with EXECUTORS[executor]():
        rotate = torch.jit.script(new_rotation())
        thrice(lambda: rotate(x, tables, tables))
        return settings() | {"scripted": isinstance(rotate, torch.jit.ScriptFunction)}


Switch = Callable[[], AbstractContextManager[None]]


def _switch(read: Callable[[], bool], write: Callable[[bool], object]) -> Switch:
    """What switches something on for the while of a `with` block."""

    @contextlib.contextmanager
    def on() -> Iterator[None]:
        setting = read()
        write(True)
        try:
            yield
        finally:
            write(setting)

    return on


fused_on_cpu = _switch(torch._C._jit_can_fuse_on_cpu, torch._C._jit_override_can_fuse_on_cpu)
"""Has the tensor-expression fuser (NNC) work on the CPU too."""
_fused_on_gpu = _switch(torch._C._jit_can_fuse_on_gpu, torch._C._jit_override_can_fuse_on_gpu)


@contextlib.contextmanager
def legacy() -> Iterator[None]:
    """Set the flags of SEDD, ChatGLM and Megatron, under which the legacy graph fuser runs."""
    with contextlib.ExitStack() as flags:
        for setter in (torch._C._jit_set_profiling_mode, torch._C._jit_set_profiling_executor):
            flags.callback(setter, setter(False))
        flags.enter_context(fused_on_cpu())
        flags.enter_context(_fused_on_gpu())
        yield


EXECUTORS: dict[str, Switch] = {
    "default executor": contextlib.nullcontext,
    "legacy executor": legacy,
    "NNC forced on CPU": fused_on_cpu,
    "oneDNN": _switch(torch._C._jit_llga_enabled, torch.jit.enable_onednn_fusion),
}
