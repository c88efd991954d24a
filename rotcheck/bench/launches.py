"""How many kernels or operations a call gives to its device."""

import os
from collections.abc import Sequence

import torch
from torch._C._autograd import DeviceType
from torch.autograd.profiler import profile
from torch.autograd.profiler_util import FunctionEvent

SHOW_COMPILED = "TORCHINDUCTOR_CPP_ENABLE_KERNEL_PROFILE"
# in the names of the CPU kernels of torch.compile, and of our own
_KERNELS = ("cpp_fused", "rotcheck::")


def show_compiled() -> None:
    """Let profiles show the CPU kernels of torch.compile; to call before its import."""
    os.environ[SHOW_COMPILED] = "1"


def profiler(device: torch.device) -> profile:
    """A profiler to enter, which sees what `launches` and `peak_memory` count."""
    gpu = None if device.type in ("cpu", "mps") else device.type
    return profile(profile_memory=True, use_device=gpu)


def launches(profiler: profile, device: torch.device) -> int | None:
    """How many kernels, copies and fills a GPU ran, or on a CPU how many operations did work.

    A CPU operation counts when it is the innermost one that reads or writes elements: views and
    allocations do not count, nor does an operation that only calls others. What PyTorch does not
    see is not counted. None where the device does not tell.
    """
    if device.type == "mps":
        return None
    events: Sequence[FunctionEvent] = profiler.function_events or []
    if device.type != "cpu":
        gpu = sum(
            event.device_type != DeviceType.CPU and not event.is_user_annotation for event in events
        )
        # a profiler that does not know the device sees nothing of what it runs
        return gpu or None
    return sum(_works(event) and not any(map(_any_works, event.cpu_children)) for event in events)


def _any_works(event: FunctionEvent) -> bool:
    return _works(event) or any(map(_any_works, event.cpu_children))


def _works(event: FunctionEvent) -> bool:
    """Whether this is an operation that reads or writes elements."""
    name: str = event.name
    if any(kernel in name for kernel in _KERNELS):
        return True
    space, colons, operation = name.rpartition("::")
    if not colons or " " in name or operation.lstrip("_").startswith(("empty", "new_empty")):
        return False
    schemas = torch._C._jit_get_schemas_for_operator(f"{space}::{operation}")
    return bool(schemas) and not any(map(_is_view, schemas))


def _is_view(schema: torch._C.FunctionSchema) -> bool:
    """Whether its result may be its input in another shape, with nothing written."""
    aliases = [result.alias_info for result in schema.returns]
    return any(alias is not None and not alias.is_write for alias in aliases)
