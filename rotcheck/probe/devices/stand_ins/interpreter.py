"""The stand-in `interpreter`: Triton's interpreter, which runs Triton kernels on CPU tensors."""

import importlib.util
import os
from typing import Any

import torch

from rotcheck.probe.devices import DeviceClaim
from rotcheck.probe.inside.small_kernel import must_equal, operands


def claims() -> list[DeviceClaim]:
    """The stand-in where Triton is installed, and numpy, which its interpreter computes with."""
    for package in ("triton", "numpy"):
        if importlib.util.find_spec(package) is None:
            reason = f"{package} is not installed (`python -m pip install {package}`)"
            return [DeviceClaim("interpreter", "not here", reason)]
    return [DeviceClaim("interpreter", executors=(), failure_state="not here")]


def facts(_: str) -> dict[str, Any]:
    """A name for the report."""
    return {"name": "Triton kernels on CPU tensors"}


def run(_: str, dtype: str) -> None:
    """Run the Triton kernel under the interpreter; raise when it fails or reads back wrong.

    The process is under the interpreter from then on.
    """
    os.environ["TRITON_INTERPRET"] = "1"  # Triton reads it on import
    from rotcheck.probe.inside.small_triton_kernel import rotate

    x, cos, partner, sin = operands(dtype)
    out = torch.empty_like(x)
    rotate(x, cos, partner, sin, out)
    must_equal(out, x * cos + partner * sin)
