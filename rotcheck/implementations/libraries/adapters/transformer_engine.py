"""Transformer Engine without its CUDA extension,
which its file imports and its unfused function does not call."""

import importlib.util
import sys
from types import ModuleType

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.library import Library

EXTENSION = "transformer_engine_torch"
# imports the extension, and more of the package
BEHIND_IT = "transformer_engine.pytorch.cpp_extensions"


def without_extension(library: Library, device: str) -> Function:
    """The function; where the extension is not installed, empty modules stand for it."""
    if importlib.util.find_spec(EXTENSION) is not None:
        return library.fetch()
    empty = _empty_modules()
    sys.modules.update(empty)
    try:
        return library.fetch(alone=True)
    finally:
        for name in empty:
            sys.modules.pop(name, None)


def _empty_modules() -> dict[str, ModuleType]:
    """Empty modules in place of the extension and of what is built on it."""
    extension, package = ModuleType(EXTENSION), ModuleType(BEHIND_IT)
    package.__path__ = []
    fused_attention = ModuleType(f"{BEHIND_IT}.fused_attn")
    fused_attention.QKVFormat = {}  # type: ignore[attr-defined]  # names for the fused kernel
    return {module.__name__: module for module in (extension, package, fused_attention)}
