"""Apple's GPUs. They have no float64, and complex64 only in part."""

from typing import Any

import torch

from rotcheck.probe.devices import GIB, Claim
from rotcheck.probe.inside.small_kernel import rotate_and_read_back as run
from rotcheck.probe.system import processor

__all__ = ["claims", "facts", "judge_claim", "run"]


def claims() -> list[Claim]:
    """Return the Mac's GPU, or why there is none."""
    return [judge_claim(torch.backends.mps.is_built(), torch.backends.mps.is_available())]


def judge_claim(built: bool, available: bool) -> Claim:
    """Return the claim that follows from what torch says of MPS."""
    if not built:
        return Claim("mps", "not built in", "this torch is built without MPS")
    if not available:
        return Claim("mps", "not here", "no Metal device that this macOS and this torch can use")
    return Claim("mps")


def facts(_: str) -> dict[str, Any]:
    """Return the chip's name and the memory in GiB that it may use."""
    recommended = getattr(torch.mps, "recommended_max_memory", None)  # torch 2.5 and newer
    memory = {"memory_gib": round(recommended() / GIB, 1)} if recommended else {}
    return {"name": processor(), **memory}
