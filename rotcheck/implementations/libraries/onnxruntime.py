"""ONNX Runtime's kernel of the operator RotaryEmbedding (opset 23) for CPUs: half pairing, position ids."""

from functools import cache
from typing import Any

from torch import Tensor

from rotcheck.implementations import numpy_tensors, third_party
from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import onnx_reference
from rotcheck.implementations.third_party import Package

RUNTIME = Package("onnxruntime", "onnxruntime", "1.31.1", "onnxruntime onnx")

convention = onnx_reference.convention
no_gradient = no_trace = third_party.FOR_NUMPY


def skip(device: str, dtype: str) -> str | None:
    """Return why a dtype is not asked of it."""
    if dtype in ("bfloat16", "float64"):
        return f"ONNX Runtime has no RotaryEmbedding in {dtype} for CPUs"
    return None


def load(device: str) -> Function:
    """Return a function of tensors, which go over as NumPy arrays."""
    return session(device, interleaved=0)


def session(
    device: str,
    *,
    interleaved: int,
    domain: str = "",
    order: tuple[str, ...] = onnx_reference.ORDER,
) -> Function:
    """Return a function that runs the operator of a domain, whose inputs have this order."""
    RUNTIME.check_installed()
    onnx_reference.ONNX.check_installed()  # which writes the model
    third_party.for_cpu(device)
    runtime = RUNTIME.module_named("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3  # errors only

    @cache
    def of(dtype: str) -> Any:
        model = onnx_reference.model(dtype, interleaved=interleaved, domain=domain, order=order)
        return runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def apply(x: Tensor, cos: Tensor, sin: Tensor, positions: Tensor) -> Tensor:
        given = dict(zip(onnx_reference.ORDER, map(numpy_tensors.array, (x, cos, sin, positions))))
        return numpy_tensors.tensor(of(str(x.dtype)[6:]).run(None, given)[0])

    return apply
