"""The stand-in `meta`: shapes, dtypes, and the TorchScript fusers' check of the device;
no values."""

from typing import Any

import torch

from rotcheck.probe.devices import DeviceClaim
from rotcheck.probe.inside.small_kernel import WrongResult, operands


def claims() -> list[DeviceClaim]:
    """The stand-in, which every torch has."""
    return [DeviceClaim("meta")]


def facts(_: str) -> dict[str, Any]:
    """A name for the report."""
    return {"name": "shapes and dtypes only"}


def run(device: str, dtype: str) -> None:
    """Run the kernel without values; raise `WrongResult` when shape, dtype or device differ."""
    use_native_kernels()
    x, cos, partner, sin = (part.to(device) for part in operands(dtype))
    result = x * cos + partner * sin
    if (result.shape, result.dtype, result.device) != (x.shape, x.dtype, x.device):
        raise WrongResult(f"the result is {result.dtype} {tuple(result.shape)} on {result.device}")


def use_native_kernels() -> None:
    """Leave meta tensors to torch's own C++ shape functions, in this process.

    The Python ones that torch lays over them import SymPy and Dynamo on first use, which takes
    longer than the import of torch and tells nothing more about dtypes or fusers. A torch that
    keeps them elsewhere is merely slower.
    """
    overlay = getattr(
        getattr(torch, "_meta_registrations", None), "_meta_lib_dont_use_me_use_register_meta", None
    )
    if overlay is not None and overlay.m is not None:
        overlay._destroy()
