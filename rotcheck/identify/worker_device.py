"""Inside a worker: makes it ready for a device, and says where tensors for that live."""

import torch

from rotcheck.errors import RequestError, first_line
from rotcheck.identify.calling.eager_mode import run_eagerly
from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.triton_interpreter import interpret


def settle(device: str) -> None:
    """Make the worker ready for a device. Raises `RequestError` as `check` does."""
    prepare(device)
    if device != "interpreter":
        check(device)


def prepare(device: str) -> None:
    """Make the process ready to import what is to be called on a device, which is left alone.

    Raises `RequestError` where the interpreter cannot run.
    """
    if device == "interpreter":
        try:
            interpret()
        except Unavailable as error:
            raise RequestError(f"device 'interpreter' is not on this machine: {error}") from error
    torch.set_num_threads(1)
    run_eagerly()


def place(device: str) -> torch.device:
    """Where tensors are made for a device; the interpreter runs on CPU tensors."""
    return torch.device("cpu" if device == "interpreter" else device)


def check(device: str) -> None:
    """Raise `RequestError` for a device that is not here, or has no values to look at."""
    try:
        tensor = torch.ones(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = first_line(error)
        raise RequestError(
            f"device {device!r} is not on this machine ({reason}); `rotcheck probe` lists those that are"
        ) from error
    if tensor.is_meta:
        raise RequestError(
            "tensors on meta have no values: functions are identified by their values: use another device, such as cpu"
        )
