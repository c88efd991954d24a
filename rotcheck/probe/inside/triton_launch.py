"""Imports Triton and launches a small kernel on the device."""

import importlib

import torch

from rotcheck.probe.inside.small_kernel import must_equal, operands
from rotcheck.probe.inside.thrice import thrice


def version() -> str:
    """Import Triton and return its version."""
    return str(importlib.import_module("triton").__version__)


def run_on_device() -> str:
    """Launch a kernel three times on a device that Triton has a driver for; return the device.

    If there is none, the kernel is launched on CPU tensors, and Triton says what is missing.
    """
    device = next((name for name in ("cuda", "xpu") if getattr(torch, name).is_available()), "cpu")
    thrice(lambda: _launch(device))
    return device


def _launch(device: str) -> None:
    from rotcheck.probe.inside.small_triton_kernel import rotate

    x, cos, partner, sin = (part.to(device) for part in operands("float32"))
    out = torch.empty_like(x)
    rotate(x, cos, partner, sin, out)
    must_equal(out.contiguous().cpu(), (x * cos + partner * sin).cpu())
