"""Megatron-Core: a configuration of its function,
and a package that it must not find while it is imported."""

import sys
from functools import partial
from types import SimpleNamespace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.library import Library

# without CUDA parts it raises where Megatron expects an ImportError
TRANSFORMER_ENGINE = "transformer_engine"


def without_fusion(library: Library, device: str) -> Function:
    """The function with the configuration that it asks for."""
    hide = TRANSFORMER_ENGINE not in sys.modules
    if hide:
        sys.modules[TRANSFORMER_ENGINE] = None  # type: ignore[assignment]  # not to be imported
    try:
        function = library.fetch()
    finally:
        if hide:
            del sys.modules[TRANSFORMER_ENGINE]
    config = SimpleNamespace(
        apply_rope_fusion=False,
        rotary_interleaved=library.convention.pairing == "interleaved",
        multi_latent_attention=False,
        mrope_section=None,
    )
    return partial(function, config=config, cp_group=object())
