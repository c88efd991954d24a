"""What a CUDA graph does, on the CPU: it runs what was captured again,
on the very tensors that were there."""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

READS_BACK = torch.ops.aten._local_scalar_dense.default
NOT_NOW = "CUDA error: operation not permitted when stream is capturing"
SPOILT = "CUDA error: operation failed due to a previous error during capture"


class Graph(TorchDispatchMode):
    """Writes down each operation while it is entered;
    `replay` does them again, into the same results."""

    capturing = False

    def __init__(self) -> None:
        super().__init__()
        self.captured = []
        self.spoilt = False

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if operation is READS_BACK:
            self.spoilt = True
            raise RuntimeError(NOT_NOW)
        result = operation(*args, **(kwargs or {}))
        self.captured.append((operation, args, kwargs or {}, result))
        return result

    def replay(self) -> None:
        for operation, args, keyword, result in self.captured:
            again = operation(*args, **keyword)
            if (
                isinstance(result, torch.Tensor) and again.data_ptr() != result.data_ptr()
            ):  # no view, not in place
                result.copy_(again)


@contextmanager
def capturing(graph: Graph, stream: object = None):
    Graph.capturing = True
    try:
        with graph:
            yield
    finally:
        Graph.capturing = False
        if graph.spoilt:
            raise RuntimeError(SPOILT)


def stand_in(patch: pytest.MonkeyPatch) -> None:
    """Have `torch.cuda` capture and replay on CPU tensors."""
    stream = SimpleNamespace(wait_stream=lambda other: None)
    named = {
        "CUDAGraph": Graph,
        "graph": capturing,
        "Stream": lambda device: stream,
        "stream": lambda stream: nullcontext(),
        "current_stream": lambda device: stream,
        "synchronize": lambda device: None,
        "is_current_stream_capturing": lambda: Graph.capturing,
    }
    for name, value in named.items():
        patch.setattr(torch.cuda, name, value)
    patch.setattr("rotcheck.measure.other_calls.answers", lambda device: True)
