"""Megatron-Core's `apply_rotary_pos_emb` without fusion: (S, B, H, D) and angles, each in both halves."""

import sys
from functools import partial
from types import SimpleNamespace

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

MEGATRON = Package("megatron-core", "megatron", "0.16.1")

convention = Convention(
    pairing="half",
    layout="sbhd",
    tables="angles-repeated",
    table_axes="s11w",
    arguments=("x", "table"),
)


def load(device: str) -> Function:
    """Return the function."""
    return unfused(interleaved=False)


def unfused(*, interleaved: bool) -> Function:
    """Return the function with the configuration that it asks for."""
    # its package without CUDA parts raises where Megatron expects an ImportError
    te = "transformer_engine"
    hidden = {} if te in sys.modules else {te: None}
    sys.modules.update(hidden)  # type: ignore[arg-type]  # None: not to be imported
    try:
        name = "megatron.core.models.common.embeddings.rope_utils:apply_rotary_pos_emb"
        function = MEGATRON.function(name, "t", "freqs", "config", "cp_group=")
    finally:
        for each in hidden:
            del sys.modules[each]
    config = SimpleNamespace(
        apply_rope_fusion=False,
        rotary_interleaved=interleaved,
        multi_latent_attention=False,
        mrope_section=None,
    )
    return partial(function, config=config, cp_group=object())
