"""rotcheck finds out which rotary position embeddings (RoPE) work on this machine, and which are right."""

from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "compare", "probe"]


def __getattr__(name: str) -> Any:
    """Import the function named on first use, so that `import rotcheck` costs nothing."""
    if name == "probe":
        from rotcheck.probe.run import probe

        return probe
    if name == "compare":
        from rotcheck.compare.run import compare

        return compare
    raise AttributeError(f"module 'rotcheck' has no attribute {name!r}; it has {', '.join(__all__)}")
