"""Intel GPUs."""

from typing import Any

import torch

from rotcheck.isolation.memory import GIB
from rotcheck.probe.devices import DeviceClaim
from rotcheck.probe.inside.small_kernel import rotate_and_read_back as run

__all__ = ["claims", "facts", "judge_claims", "run"]


def claims() -> list[DeviceClaim]:
    """Every Intel GPU, or why there is none."""
    if not torch.xpu._is_compiled():
        return judge_claims(False, 0)
    return judge_claims(True, torch.xpu.device_count() if torch.xpu.is_available() else 0)


def judge_claims(is_built: bool, count: int) -> list[DeviceClaim]:
    """The claims that follow from what torch reports about XPU."""
    if not is_built:
        return [DeviceClaim("xpu", "not built in", "this torch is built without XPU")]
    if not count:
        return [DeviceClaim("xpu", "not here", "no Intel GPU, or none that its driver shows")]
    return [DeviceClaim(f"xpu:{index}") for index in range(count)]


def facts(device: str) -> dict[str, Any]:
    """Name and memory in GiB."""
    properties = torch.xpu.get_device_properties(device)
    return {"name": properties.name, "memory_gib": round(properties.total_memory / GIB, 1)}
