"""flash-linear-attention's `rotary_embedding`: a Triton kernel for one tensor, half pairing, with an offset."""

import importlib
from typing import Any

from rotcheck.convention import Convention
from rotcheck.implementations import third_party
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

FLA = Package("fla-core", "fla", "0.6.0", "flash-linear-attention")
PARAMETERS = ("x", "cos", "sin")

convention = Convention(
    pairing="half",
    layout="bshd",
    tables="half-width",
    takes_offset=True,
    arguments=("x", "cos", "sin", "seqlen_offsets=offset"),
)
triton = True
skip = third_party.skip_interpreted


def load(device: str) -> Function:
    """Return the function."""
    return usable(device, "seqlen_offsets=")


def usable(device: str, *keywords: str) -> Function:
    """Return the function for the device, where it takes these keywords."""
    FLA.check_installed()
    third_party.for_triton(device)
    function = FLA.function("fla.modules.rotary:rotary_embedding", *PARAMETERS, *keywords)
    if device == "interpreter":
        _leave_one_configuration()
    return function


def _leave_one_configuration() -> None:
    """Keep the autotuner from timing configurations: it asks a driver for that, and there is none."""
    kernel: Any = importlib.import_module("fla.modules.rotary.ops").rotary_embedding_kernel
    while not hasattr(kernel, "configs"):
        kernel = kernel.fn
    kernel.configs = kernel.configs[:1]
