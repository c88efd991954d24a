"""How much memory a device has, and how much of that is free."""

from collections.abc import Callable

import torch

Told = tuple[int, int]


def memory_of(device: torch.device) -> Told | None:
    """Return the free and the total bytes of a device; None for the CPU, and where torch does not know."""
    tell = _teller(device.type)
    if tell is None:
        return None
    try:
        return tell(device)
    except RuntimeError:  # a back-end that counts no memory
        return None


def _teller(kind: str) -> Callable[[torch.device], Told] | None:
    """Return what torch has to ask devices of a kind with."""
    if kind in ("cpu", "meta"):
        return None
    # torch 2.6 and newer; it tells memory from 2.9 on
    accelerator = getattr(torch, "accelerator", None)
    own: Callable[[torch.device], Told] | None = getattr(
        getattr(torch, kind, None), "mem_get_info", None
    )
    return own or getattr(accelerator, "get_memory_info", None)
