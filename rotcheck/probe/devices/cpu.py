"""The CPU: always claimed, and run like any other."""

from typing import Any

from rotcheck.probe.devices import EXECUTORS, DeviceClaim
from rotcheck.probe.inside.small_kernel import rotate_and_read_back as run
from rotcheck.probe.system import processor

__all__ = ["claims", "facts", "run"]


def claims() -> list[DeviceClaim]:
    """The CPU."""
    return [DeviceClaim("cpu", executors=(*EXECUTORS, "NNC forced on CPU"))]


def facts(_: str) -> dict[str, Any]:
    """The processor's name."""
    return {"name": processor()}
