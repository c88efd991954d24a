"""How much memory a device has, and how much of that is free."""

from collections.abc import Callable

import torch

FreeAndTotal = tuple[int, int]


def memory_of(device: torch.device) -> FreeAndTotal | None:
    """The free and the total bytes of a device; None for the CPU, and if torch does not know."""
    tell = _teller(device.type)
    if tell is None:
        return None
    try:
        return tell(device)
    except RuntimeError:  # a back-end that does not count memory
        return None


def _teller(kind: str) -> Callable[[torch.device], FreeAndTotal] | None:
    """The function of torch that knows the memory of this type of device."""
    if kind in ("cpu", "meta"):
        return None
    # torch 2.6 and newer; it knows memory from 2.9 on
    accelerator = getattr(torch, "accelerator", None)
    of_backend: Callable[[torch.device], FreeAndTotal] | None = getattr(
        getattr(torch, kind, None), "mem_get_info", None
    )
    return of_backend or getattr(accelerator, "get_memory_info", None)
