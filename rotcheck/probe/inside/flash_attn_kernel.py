"""Imports flash-attn, asks what its rotary functions accept, and runs its rotary kernel."""

import importlib
import inspect
from typing import Any

import torch

from rotcheck.implementations.triton_interpreter import interpret
from rotcheck.probe.inside.small_kernel import must_equal
from rotcheck.probe.inside.thrice import thrice

FUNCTIONS = ("apply_rotary_emb", "apply_rotary_emb_qkv_")


class NoDevice(Exception):
    """There is no device for flash-attn to run on."""


def import_plainly() -> dict[str, list[str]]:
    """Import the package and its rotary file as any model does;
    return what its rotary functions accept."""
    importlib.import_module("flash_attn")
    return rotary_api()


def rotary_api() -> dict[str, list[str]]:
    """The parameters of each rotary function of this version, by function."""
    rotary = importlib.import_module("flash_attn.layers.rotary")
    return {name: _parameters(getattr(rotary, name)) for name in FUNCTIONS if hasattr(rotary, name)}


def _parameters(function: Any) -> list[str]:
    """A function's parameters; before flash-attn 2.2 it was the `apply` of an autograd class."""
    owner = getattr(function, "__self__", None)
    forward = getattr(owner, "forward", None)
    function = forward if inspect.isclass(owner) and forward else function
    return [name for name in inspect.signature(function).parameters if name != "ctx"]


def run_on_device() -> str:
    """Run the rotary kernel three times on the first CUDA or HIP device and return its name.

    Raises `NoDevice` if there is none, with the outcome on a CPU tensor.
    """
    if not torch.cuda.is_available():
        raise NoDevice(
            f"no CUDA or HIP device; on a CPU tensor its rotary raises {_what_the_cpu_gets()}"
        )
    thrice(lambda: _rotate("cuda:0"))
    return "cuda:0"


def _what_the_cpu_gets() -> str:
    try:
        _rotate("cpu")
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def run_under_interpreter() -> dict[str, list[str]]:
    """Run the rotary kernel three times on CPU tensors under the Triton interpreter;
    return the rotary API.

    The process is of no use for anything else afterwards: flash-attn is imported without its CUDA
    part, and `torch.cuda.device` is replaced by a null context.
    """
    interpret()
    api = import_plainly()
    thrice(lambda: _rotate("cpu"))
    return api


def _rotate(device: str) -> None:
    """Rotate x (1, 2, 1, 4) by whole numbers, half pairing, and compare what comes back."""
    rotary = importlib.import_module("flash_attn.layers.rotary")
    x = torch.arange(1.0, 9.0).reshape(1, 2, 1, 4)  # (B, S, H, D)
    # (S, D / 2)
    cos, sin = torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([[2.0, 0.0], [1.0, 1.0]])
    result = rotary.apply_rotary_emb(x.to(device), cos.to(device), sin.to(device))
    first, second = x.chunk(2, dim=-1)
    c, s = cos[None, :, None], sin[None, :, None]  # (1, S, 1, D / 2)
    truth = torch.cat((first * c - second * s, first * s + second * c), dim=-1)
    must_equal(result.contiguous().cpu(), truth)
