"""How much memory a call holds at its peak beyond its inputs, its result included."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import torch
from torch._C._autograd import DeviceType
from torch.autograd.profiler import profile

from rotcheck.bench.batch_timer import BatchTimer


def peak(timer: BatchTimer, device: torch.device, profiler: profile) -> int | None:
    """The bytes; None where the device does not tell.

    On a CPU: every allocation and release that PyTorch's allocator made in the call that was
    profiled, summed up in their order. On CUDA and XPU: the peak that the device's allocator
    counted in another call.
    """
    if device.type == "cpu":
        return _on_cpu(profiler)
    module = getattr(torch, device.type)
    if not hasattr(module, "reset_peak_memory_stats"):
        return None
    peaks: list[int] = []
    timer.once(_count_peak(module, device, peaks))
    return peaks[0]


@contextmanager
def _count_peak(module: Any, device: torch.device, peaks: list[int]) -> Iterator[None]:
    """Find what the block held at its peak, beyond what was held before it."""
    before: int = module.memory_allocated(device)
    module.reset_peak_memory_stats(device)
    yield
    peaks.append(module.max_memory_allocated(device) - before)


def _on_cpu(profiler: profile) -> int | None:
    results = profiler.kineto_results
    if results is None:
        return None
    all_events: list[Any] = results.events()  # torch's stubs do not name all that an event has
    events = [event for event in all_events if event.name() == "[memory]"]
    changes = [event for event in events if event.device_type() == DeviceType.CPU]
    changes.sort(key=lambda event: event.start_ns())
    return max(accumulate((int(event.nbytes()) for event in changes), initial=0))
