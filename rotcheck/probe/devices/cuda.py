"""NVIDIA GPUs, and AMD's, which torch calls by the same name."""

import re
import warnings
from collections.abc import Sequence
from typing import Any

import torch

from rotcheck.isolation.memory import GIB
from rotcheck.probe.devices import DeviceClaim, State
from rotcheck.probe.inside.small_kernel import rotate_and_read_back as run

__all__ = ["claims", "facts", "judge_capability", "judge_gfx", "judge_silence", "run"]


def claims() -> list[DeviceClaim]:
    """Every CUDA or HIP device, or why there is none."""
    if torch.version.cuda is None and torch.version.hip is None:
        return [DeviceClaim("cuda", "not built in", "this torch is built without CUDA and HIP")]
    with warnings.catch_warnings(record=True) as log:
        warnings.simplefilter("always")  # a driver that is too old only warns
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count:
        return [DeviceClaim(f"cuda:{index}") for index in range(count)]
    message = " ".join([*(str(warning.message) for warning in log), _what_init_says()])
    return [DeviceClaim("cuda", judge_silence(message), message)]


def _what_init_says() -> str:
    """The error when torch is made to use CUDA all the same."""
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call, unused-ignore]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "torch.cuda.is_available() is False"


def judge_silence(message: str) -> State:
    """Whether the driver or the device is missing, judged by torch's message."""
    return "no driver" if re.search(r"driver", message, re.IGNORECASE) else "not here"


def facts(device: str) -> dict[str, Any]:
    """Name, memory in GiB, compute capability, and the architectures the build has code for."""
    properties = torch.cuda.get_device_properties(device)
    architectures = torch.cuda.get_arch_list()
    figures = {
        "name": properties.name,
        "memory_gib": round(properties.total_memory / GIB, 1),
        "arch_list": architectures,
    }
    if torch.version.hip:
        return figures | {
            "capability": (gfx := properties.gcnArchName),
            "warning": judge_gfx(gfx, architectures),
        }
    capability = torch.cuda.get_device_capability(device)
    version = f"{capability[0]}.{capability[1]}"
    return figures | {"capability": version, "warning": judge_capability(capability, architectures)}


def judge_capability(capability: tuple[int, int], architectures: Sequence[str]) -> str | None:
    """A warning if none of the build's architectures runs on this capability.

    `sm_80` is machine code: it runs on the same major version with the same or a higher minor one.
    `compute_80` can be translated for anything from 8.0 on. `sm_90a` and `sm_100f` are for one
    device family.
    """
    codes = [(m[1], int(m[2]), int(m[3]), m[4]) for m in map(_ARCH.fullmatch, architectures) if m]
    major, minor = capability
    for kind, its_major, its_minor, only in codes:
        native = its_major == major and (its_minor == minor if only == "a" else its_minor <= minor)
        if native or (kind == "compute" and not only and (its_major, its_minor) <= capability):
            return None
    return f"this torch has code for {' '.join(architectures) or 'no GPU'} and none for sm_{major}{minor}"


_ARCH = re.compile(r"(sm|compute)_(\d+)(\d)([af]?)")


def judge_gfx(gfx: str, architectures: Sequence[str]) -> str | None:
    """A warning if the build has no code for this AMD architecture (`gfx90a:sramecc+`)."""
    chip = gfx.partition(":")[0]
    if chip in {name.partition(":")[0] for name in architectures}:
        return None
    return f"this torch has code for {' '.join(architectures) or 'no GPU'} and none for {chip}"
