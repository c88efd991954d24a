"""The machine itself: system, processor, cores, memory, Python. Read without torch."""

import os
import platform
import re
import sys
from typing import Any

import psutil

from rotcheck.isolation import Returned, command
from rotcheck.isolation.memory import GIB


def facts() -> dict[str, Any]:
    """The fields of `Machine` that need no torch;
    memory in GiB, cores that this process may use."""
    return {
        "system": system(),
        "processor": processor(),
        "cores": cores(),
        "memory_gib": round(psutil.virtual_memory().total / GIB, 1),
        "python": platform.python_version(),
    }


def system() -> str:
    """Name, release and machine type, and the C library: "Linux 6.1.0 x86_64, glibc 2.36"."""
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]} {platform.machine()}"
    library, version = platform.libc_ver()
    name = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"{name}, {library} {version}" if library else name


def cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's name as the system gives it, else its architecture."""
    name = _of_sysctl() if sys.platform == "darwin" else _of_cpuinfo()
    return name or platform.machine()


def _of_cpuinfo() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            match = re.search(
                r"^(?:model name|Model|cpu model)\s*:\s*(.+)$", file.read(), re.MULTILINE
            )
    except OSError:  # not Linux, or a container without /proc
        return ""
    return " ".join(match[1].split()) if match else ""


def _of_sysctl() -> str:
    outcome = command(["sysctl", "-n", "machdep.cpu.brand_string"], limit=3)
    return outcome.value.strip() if isinstance(outcome, Returned) else ""
