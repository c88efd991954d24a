"""How much memory this process may use: the machine's, or what its container is limited to."""

from pathlib import Path

import psutil

GIB = 1 << 30
# version 2, version 1
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def total_gib() -> float:
    """The memory of the machine, or of the container where that is less, in GiB."""
    return min([float(psutil.virtual_memory().total), *_limits()]) / GIB


def _limits() -> list[float]:
    """The limits that the container sets, in bytes;
    version 1 has a huge number where there is none."""
    limits = []
    for name in _LIMITS:
        try:
            limits.append(float(Path(name).read_text()))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return limits
