"""ONNX's own `ReferenceEvaluator` of the operator RotaryEmbedding (opset 23), in NumPy: half pairing."""

from functools import cache
from typing import Any

from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations import numpy_tensors, third_party
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

ONNX = Package("onnx", "onnx", "1.23.2")
ORDER = ("x", "cos", "sin", "positions")  # of the operator's inputs

convention = Convention(
    pairing="half",
    layout="bhsd",
    tables="half-width",
    table_axes="sw",
    arguments=ORDER,
    position_axes="bs",
)
no_gradient = no_trace = third_party.FOR_NUMPY


def skip(device: str, dtype: str) -> str | None:
    """Return why a dtype is not asked of it."""
    return "the operator RotaryEmbedding has no float64" if dtype == "float64" else None


def load(device: str) -> Function:
    """Return a function of tensors, which go over as NumPy arrays."""
    ONNX.check_installed()
    third_party.for_cpu(device)
    evaluator = ONNX.function("onnx.reference:ReferenceEvaluator", "proto")

    @cache
    def of(dtype: str) -> Any:
        return evaluator(model(dtype, interleaved=0))

    def apply(x: Tensor, cos: Tensor, sin: Tensor, positions: Tensor) -> Tensor:
        given = {
            name: numpy_tensors.array(tensor)
            for name, tensor in zip(ORDER, (x, cos, sin, positions))
        }
        return numpy_tensors.tensor(of(str(x.dtype)[6:]).run(None, given)[0])

    return apply


def model(dtype: str, *, interleaved: int, domain: str = "", order: tuple[str, ...] = ORDER) -> Any:
    """Return an ONNX model of the one operator, of the domain's own order of inputs."""
    make = ONNX.module_named("onnx.helper")
    kinds = ONNX.module_named("onnx").TensorProto
    kind = getattr(kinds, {"float32": "FLOAT", "float16": "FLOAT16", "bfloat16": "BFLOAT16"}[dtype])
    node = make.make_node(
        "RotaryEmbedding", list(order), ["y"], domain=domain, interleaved=interleaved
    )
    inputs = [
        make.make_tensor_value_info(name, kinds.INT64 if name == "positions" else kind, None)
        for name in order
    ]
    graph = make.make_graph(
        [node], "rotary", inputs, [make.make_tensor_value_info("y", kind, None)]
    )
    versions = [make.make_opsetid("", 23), make.make_opsetid("com.microsoft", 1)]
    return make.make_model(graph, ir_version=11, opset_imports=versions)
