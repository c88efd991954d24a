"""rotcheck finds out which rotary position embeddings (RoPE) work on this machine,
and which are right.

import rotcheck

report = rotcheck.compare(["native"], devices=["cpu"])  # a rotcheck.results.Report
found = rotcheck.probe()  # a rotcheck.results.Probe
times = rotcheck.bench(["native"])  # a rotcheck.results.Bench
trained = rotcheck.train(["native"])  # a rotcheck.results.Training
checked = rotcheck.check("model.py", to=32768)  # a rotcheck.results.Check
seen = rotcheck.model("transformers:llama")  # a rotcheck.results.ModelReport
scanned = rotcheck.scan("model/")  # a rotcheck.results.Scan
reach = rotcheck.context("mine.py:RotaryEmbedding")  # a rotcheck.results.Context
rotcheck.testing.assert_rotates(function)  # in a test suite of your own
"""

TYPE_CHECKING = False  # as `typing` has it, without importing that before anything could go wrong
if TYPE_CHECKING:
    from typing import Any

    from rotcheck.bench.run import bench
    from rotcheck.check.run import check
    from rotcheck.compare.run import compare
    from rotcheck.context.run import context
    from rotcheck.declaration import declare
    from rotcheck.identify.run import identify
    from rotcheck.model.run import model
    from rotcheck.probe.run import probe
    from rotcheck.scan.run import scan
    from rotcheck.train.run import train

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "bench",
    "check",
    "compare",
    "context",
    "declare",
    "identify",
    "model",
    "probe",
    "scan",
    "testing",
    "train",
]


def __getattr__(name: str) -> "Any":
    """Import the room named on first use, so that `import rotcheck` costs nothing;
    each but `testing` can be called."""
    import importlib

    if name == "declare":
        return importlib.import_module("rotcheck.declaration").declare
    if name in (
        "bench",
        "check",
        "compare",
        "context",
        "identify",
        "model",
        "probe",
        "scan",
        "testing",
        "train",
    ):
        return importlib.import_module(f"rotcheck.{name}")
    raise AttributeError(
        f"module 'rotcheck' has no attribute {name!r}; it has {', '.join(__all__)}"
    )
