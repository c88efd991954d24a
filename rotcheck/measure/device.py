"""Calls on a device, values read back from it, and whether it still answers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

HOST = ("cpu", "meta")  # device types on which nothing can be lost
_WORDS = "the device no longer responds: a call ended this process's use of it, as an index past the end does on CUDA"


class DeviceLost(BaseException):
    """A call ended the process's use of its device.

    Not an `Exception`: a search must not take it for a refusal.
    """


def fetch(tensor: Tensor) -> Tensor:
    """A tensor's values on the CPU, in its dtype; contiguous first, since MPS copies gaps wrong."""
    return tensor.detach().contiguous().cpu()


def read_back(tensor: Tensor) -> Tensor:
    """A tensor's values on the CPU in float64, or complex128: MPS has neither."""
    back = fetch(tensor)
    return back.to(torch.complex128) if back.is_complex() else back.double()


def call(
    function: Callable[..., Any],
    device: torch.device,
    positional: Sequence[Any],
    keyword: Mapping[str, Any],
) -> Any:
    """Call a function under test on its device, wait until that is done,
    and return what it returns.

    A default device that the function sets does not outlast the call. Raises what the function
    raises, or `DeviceLost` from it when the device does not answer any more.
    """
    default = torch.get_default_device()
    try:
        result = function(*positional, **keyword)
        wait(device)
    except Exception as error:
        if not answers(device):
            raise DeviceLost(f"{_WORDS} ({type(error).__name__}: {error})") from error
        raise
    finally:
        if torch.get_default_device() != default:
            torch.set_default_device(default)
    return result


def wait(device: torch.device) -> None:
    """Wait until the device has finished, so that its errors are raised here."""
    if device.type == "mps":
        torch.mps.synchronize()
    elif device.type not in HOST:
        getattr(torch, device.type).synchronize(device)


def answers(device: torch.device) -> bool:
    """Whether a device still computes: a failed assertion on it ends the process's use of it."""
    if device.type in HOST:
        return True
    try:
        return bool((torch.ones(1, device=device) + 1).cpu().item() == 2.0)
    except RuntimeError:
        return False
