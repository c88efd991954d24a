"""`torch.onnx.ops.rotary_embedding`, the one rotary function in torch itself: half pairing, position ids."""

import importlib.util

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function, Unavailable
from rotcheck.implementations.third_party import Package

TORCH = Package("torch", "torch", "2.13.0")

convention = Convention(
    pairing="half",
    layout="bhsd",
    tables="half-width",
    arguments=("x", "cos", "sin", "positions"),
    table_axes="sw",
    position_axes="bs",
)
no_gradient = "torch.onnx.ops.rotary_embedding has no formula for autograd"


def load(device: str) -> Function:
    """Return the function."""
    return operator()


def operator(*keywords: str) -> Function:
    """Return the function, where it takes these keywords; raises `Unavailable` where torch is older than it."""
    if importlib.util.find_spec("torch.onnx.ops") is None:
        raise Unavailable("this torch has no torch.onnx.ops (`pip install --upgrade torch`)")
    name = "torch.onnx.ops:rotary_embedding"
    return TORCH.function(name, "X", "cos_cache", "sin_cache", "position_ids", *keywords)
