"""Transformer Engine's `apply_rotary_pos_emb` without fusion: tensor operations, on any device.

Its file imports a CUDA extension that this function does not call; where that is not installed, empty modules stand
for it.
"""

import importlib.util
import sys
from dataclasses import replace
from types import ModuleType

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import transformer_engine

convention = replace(transformer_engine.convention, arguments=("x", "table"))

EXTENSION = "transformer_engine_torch"
# imports the extension, and more of the package
BEHIND_IT = "transformer_engine.pytorch.cpp_extensions"


def load(device: str) -> Function:
    """Return the function."""
    transformer_engine.TRANSFORMER_ENGINE.check_installed()
    without = importlib.util.find_spec(EXTENSION) is None
    if without:
        sys.modules.update(_empty())
    try:
        return transformer_engine.TRANSFORMER_ENGINE.function(
            transformer_engine.FUNCTION, "t", "freqs", alone=without
        )
    finally:
        for name in _empty() if without else ():
            sys.modules.pop(name, None)


def _empty() -> dict[str, ModuleType]:
    """Return empty modules in place of the extension and of what is built on it."""
    extension, package = ModuleType(EXTENSION), ModuleType(BEHIND_IT)
    package.__path__ = []
    fused = ModuleType(f"{BEHIND_IT}.fused_attn")
    fused.QKVFormat = {}  # type: ignore[attr-defined]  # names for the fused kernel
    return {module.__name__: module for module in (extension, package, fused)}
