"""Apple's GPUs. They have no float64, and complex64 only in part."""

from typing import Any

import torch

from rotcheck.isolation.memory import GIB
from rotcheck.probe.devices import DeviceClaim
from rotcheck.probe.inside.small_kernel import rotate_and_read_back as run
from rotcheck.probe.system import processor

__all__ = ["claims", "facts", "judge_claim", "run"]


def claims() -> list[DeviceClaim]:
    """The Mac's GPU, or why there is none."""
    return [judge_claim(torch.backends.mps.is_built(), torch.backends.mps.is_available())]


def judge_claim(is_built: bool, available: bool) -> DeviceClaim:
    """The claim that follows from what torch reports about MPS."""
    if not is_built:
        return DeviceClaim("mps", "not built in", "this torch is built without MPS")
    if not available:
        return DeviceClaim(
            "mps", "not here", "no Metal device that this macOS and this torch can use"
        )
    return DeviceClaim("mps")


def facts(_: str) -> dict[str, Any]:
    """The chip's name and the memory in GiB that it may use."""
    limit = getattr(torch.mps, "recommended_max_memory", None)  # torch 2.5 and newer
    memory = {"memory_gib": round(limit() / GIB, 1)} if limit else {}
    return {"name": processor(), **memory}
