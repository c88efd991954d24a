"""A device seen from outside: values read back from it, calls there, and whether it still answers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

HOST = ("cpu", "meta")  # device types on which nothing can be lost
_WORDS = "the device answers no more: a call ended this process's use of it, as an index past the end does on CUDA"


class DeviceLost(BaseException):
    """A call ended the process's use of its device. No `Exception`: no search may take it for a refusal and go on."""


def fetch(tensor: Tensor) -> Tensor:
    """Return a tensor's values on the CPU, in its dtype; contiguous first, since MPS copies gaps wrong."""
    return tensor.detach().contiguous().cpu()


def read_back(tensor: Tensor) -> Tensor:
    """Return a tensor's values on the CPU in float64, or complex128: MPS has neither."""
    back = fetch(tensor)
    return back.to(torch.complex128) if back.is_complex() else back.double()


def call(
    function: Callable[..., Any],
    device: torch.device,
    positional: Sequence[Any],
    keyword: Mapping[str, Any],
) -> Any:
    """Call a function under test on its device, wait until that is done, and return what it returns.

    A default device that the function sets does not outlast the call. Raises what the function raises, or `DeviceLost`
    from it when the device does not answer any more.
    """
    default = torch.get_default_device()
    try:
        returned = function(*positional, **keyword)
        wait(device)
    except Exception as error:
        if not answers(device):
            raise DeviceLost(f"{_WORDS} ({type(error).__name__}: {error})") from error
        raise
    finally:
        if torch.get_default_device() != default:
            torch.set_default_device(default)
    return returned


def wait(device: torch.device) -> None:
    """Wait until the device has done what was asked of it, so that what it raises is raised here."""
    if device.type == "mps":
        torch.mps.synchronize()
    elif device.type not in HOST:
        getattr(torch, device.type).synchronize(device)


def answers(device: torch.device) -> bool:
    """Return whether a device still computes: a failed assertion on it ends the process's use of it."""
    if device.type in HOST:
        return True
    try:
        return bool((torch.ones(1, device=device) + 1).cpu().item() == 2.0)
    except RuntimeError:
        return False
