"""Whatever else torch reports as its accelerator:
npu, hpu, mtia, or a plug-in under a name of its own."""

from typing import Any

import torch

from rotcheck.isolation.memory import GIB
from rotcheck.probe.devices import DeviceClaim, families
from rotcheck.probe.inside.device_memory import memory_of
from rotcheck.probe.inside.small_kernel import rotate_and_read_back as run

__all__ = ["claims", "facts", "judge_claims", "run"]


def claims() -> list[DeviceClaim]:
    """Every device of an accelerator that has no file of its own; nothing when there is none."""
    accelerator = getattr(torch, "accelerator", None)  # torch 2.6 and newer
    current = accelerator.current_accelerator() if accelerator else None
    if accelerator is None or current is None:
        return []
    return judge_claims(current.type, accelerator.is_available(), accelerator.device_count())


def judge_claims(family: str, available: bool, count: int) -> list[DeviceClaim]:
    """The claims that follow from what torch reports about its accelerator."""
    if family in families():  # it has a file of its own
        return []
    if not available or not count:
        return [DeviceClaim(family, "not here", f"torch knows {family} and finds no device")]
    return [DeviceClaim(f"{family}:{index}") for index in range(count)]


def facts(device: str) -> dict[str, Any]:
    """The device's name and its memory in GiB, as far as its back-end reports them."""
    backend = getattr(torch, torch.device(device).type, None)
    tell, counts = getattr(backend, "get_device_name", None), memory_of(torch.device(device))
    figures = {"memory_gib": round(counts[1] / GIB, 1)} if counts else {}
    return figures | ({"name": str(tell(device))} if tell else {})
