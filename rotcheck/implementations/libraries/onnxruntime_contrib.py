"""ONNX Runtime's older `com.microsoft` RotaryEmbedding, here interleaved: the ids come before cos and sin."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import onnxruntime

ORDER = ("x", "positions", "cos", "sin")  # of the operator's inputs

convention = replace(onnxruntime.convention, pairing="interleaved")
no_gradient, no_trace, skip = onnxruntime.no_gradient, onnxruntime.no_trace, onnxruntime.skip


def load(device: str) -> Function:
    """Return a function of tensors; it takes them in the order of the others."""
    return onnxruntime.session(device, interleaved=1, domain="com.microsoft", order=ORDER)
