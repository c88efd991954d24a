"""rotcheck finds out which rotary position embeddings (RoPE) work on this machine, and which are right.

import rotcheck

report = rotcheck.compare(["native"], devices=["cpu"])  # a rotcheck.results.Report
found = rotcheck.probe()  # a rotcheck.results.Probe
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rotcheck.compare.run import compare
    from rotcheck.probe.run import probe

__version__ = "0.1.0"
__all__ = ["__version__", "compare", "probe"]


def __getattr__(name: str) -> Any:
    """Import the room named on first use, so that `import rotcheck` costs nothing; each can be called."""
    if name in ("compare", "probe"):
        return importlib.import_module(f"rotcheck.{name}")
    raise AttributeError(f"module 'rotcheck' has no attribute {name!r}; it has {', '.join(__all__)}")
