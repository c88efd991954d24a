"""flash-linear-attention: an autotuner that times configurations where there
is no driver to ask."""

import importlib
from typing import Any

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.library import Library


def without_autotuning(library: Library, device: str) -> Function:
    """The function; under the interpreter with one configuration,
    so that nothing is to be timed."""
    function = library.fetch()
    if device == "interpreter":
        kernel: Any = importlib.import_module("fla.modules.rotary.ops").rotary_embedding_kernel
        while not hasattr(kernel, "configs"):
            kernel = kernel.fn
        kernel.configs = kernel.configs[:1]
    return function
