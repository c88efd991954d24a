"""The small kernel that a device has to run:
one rotation, in integers that every dtype represents exactly."""

import torch


class WrongResult(Exception):
    """The kernel ran and its result is wrong."""


def operands(dtype: str) -> list[torch.Tensor]:
    """X, cos, partner and sin of the kernel on the CPU, each (2, 4), small whole numbers."""
    kind = getattr(torch, dtype)
    x = torch.arange(1, 9).reshape(2, 4)
    return [part.to(kind) for part in (x, x % 3, x.flip(-1), x % 2 - 2)]


def rotate_and_read_back(device: str, dtype: str) -> None:
    """Compute x * cos + partner * sin on the device and compare what comes back
    with the CPU's result.

    Raises `WrongResult` when values, dtype or device differ.
    """
    x, cos, partner, sin = operands(dtype)
    on_device = x.to(device) * cos.to(device) + partner.to(device) * sin.to(device)
    if on_device.device.type != torch.device(device).type:
        raise WrongResult(f"the result is on {on_device.device}, not on {device}")
    must_equal(on_device.contiguous().cpu(), x * cos + partner * sin)


def must_equal(result: torch.Tensor, truth: torch.Tensor) -> None:
    """Raise `WrongResult` unless both have the same dtype and the same values."""
    if result.dtype != truth.dtype:
        raise WrongResult(f"the result is {result.dtype}, not {truth.dtype}")
    if not torch.equal(result, truth):
        raise WrongResult(
            f"reads back {result.flatten().tolist()} instead of {truth.flatten().tolist()}"
        )
