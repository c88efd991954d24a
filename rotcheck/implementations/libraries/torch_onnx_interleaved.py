"""`torch.onnx.ops.rotary_embedding` with `interleaved=True`."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import torch_onnx

convention = replace(
    torch_onnx.convention,
    pairing="interleaved",
    arguments=(*torch_onnx.convention.arguments, "interleaved=True"),
)
no_gradient = torch_onnx.no_gradient


def load(device: str) -> Function:
    """Return the function."""
    return torch_onnx.operator("interleaved=")
