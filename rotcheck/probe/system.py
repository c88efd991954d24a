"""The machine itself: system, processor, cores, memory, Python. Read without torch."""

import os
import platform
import re
import sys
from typing import Any

GIB = 1 << 30


def facts() -> dict[str, Any]:
    """Return the fields of `Machine` that need no torch; memory in GiB, the cores that may be used."""
    import psutil

    return {
        "system": system(),
        "processor": processor(),
        "cores": cores(),
        "memory_gib": round(psutil.virtual_memory().total / GIB, 1),
        "python": platform.python_version(),
    }


def system() -> str:
    """Return name, release and machine type, and the C library: "Linux 6.1.0 x86_64, glibc 2.36"."""
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]} {platform.machine()}"
    library, version = platform.libc_ver()
    name = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"{name}, {library} {version}" if library else name


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the processor's name as the system gives it, else its architecture."""
    named = _of_sysctl() if sys.platform == "darwin" else _of_cpuinfo()
    return named or platform.machine()


def _of_cpuinfo() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            found = re.search(
                r"^(?:model name|Model|cpu model)\s*:\s*(.+)$", file.read(), re.MULTILINE
            )
    except OSError:  # no Linux, or a container without /proc
        return ""
    return " ".join(found[1].split()) if found else ""


def _of_sysctl() -> str:
    from rotcheck.isolation import Returned, command

    said = command(["sysctl", "-n", "machdep.cpu.brand_string"], limit=3)
    return said.value.strip() if isinstance(said, Returned) else ""
