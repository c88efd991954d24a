"""ONNX's operator RotaryEmbedding, as a model of one node that tensors enter as NumPy arrays."""

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

from torch import Tensor

from rotcheck.implementations import numpy_tensors
from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.library import Library
from rotcheck.implementations.libraries.library_table import ONNX

ORDER = ("x", "cos", "sin", "positions")  # of the operator's inputs
CONTRIB, CONTRIB_ORDER = "com.microsoft", ("x", "positions", "cos", "sin")
KINDS = {"float32": "FLOAT", "float16": "FLOAT16", "bfloat16": "BFLOAT16"}

Run = Callable[[None, dict[str, Any]], list[Any]]
"""What runs a model: the names of the outputs (all), the inputs by name."""


def evaluate(library: Library, device: str) -> Function:
    """The operator in ONNX's reference evaluator."""
    evaluator = library.fetch()
    return _of_tensors(lambda dtype: evaluator(_model(library, dtype)).run)


def run_session(library: Library, device: str) -> Function:
    """The operator of opset 23 in ONNX Runtime."""
    return _session(library, "", ORDER)


def run_contrib_session(library: Library, device: str) -> Function:
    """ONNX Runtime's own older operator; it takes tensors in the order of the others."""
    return _session(library, CONTRIB, CONTRIB_ORDER)


def _session(library: Library, domain: str, order: tuple[str, ...]) -> Function:
    ONNX.check_installed()  # which writes the model
    session = library.fetch()
    options = importlib.import_module("onnxruntime").SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3  # errors only

    def run_of(dtype: str) -> Run:
        model = _model(library, dtype, domain, order).SerializeToString()
        run: Run = session(model, options, providers=["CPUExecutionProvider"]).run
        return run

    return _of_tensors(run_of)


def _of_tensors(run_of: Callable[[str], Run]) -> Function:
    run_of = cache(run_of)

    def apply(x: Tensor, cos: Tensor, sin: Tensor, positions: Tensor) -> Tensor:
        inputs = dict(zip(ORDER, map(numpy_tensors.array, (x, cos, sin, positions))))
        return numpy_tensors.tensor(run_of(str(x.dtype)[6:])(None, inputs)[0])

    return apply


def _model(library: Library, dtype: str, domain: str = "", order: tuple[str, ...] = ORDER) -> Any:
    """An ONNX model of the one operator, of the domain's own order of inputs."""
    make = ONNX.module_named("onnx.helper")
    types = ONNX.module_named("onnx").TensorProto
    kind = getattr(types, KINDS[dtype])
    interleaved = int(library.convention.pairing == "interleaved")
    node = make.make_node(
        "RotaryEmbedding", list(order), ["y"], domain=domain, interleaved=interleaved
    )
    inputs = [
        make.make_tensor_value_info(name, types.INT64 if name == "positions" else kind, None)
        for name in order
    ]
    output = make.make_tensor_value_info("y", kind, None)
    graph = make.make_graph([node], "rotary", inputs, [output])
    versions = [make.make_opsetid("", 23), make.make_opsetid(CONTRIB, 1)]
    return make.make_model(graph, ir_version=11, opset_imports=versions)
