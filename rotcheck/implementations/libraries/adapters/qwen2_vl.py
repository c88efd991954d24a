"""transformers' Qwen2-VL: a module that makes tables and a function that applies them,
as one function.

Three rows of positions (time, height, width) are the same here, as in text: M-RoPE is plain RoPE
then. Sections of different positions are held against float64 in tests/rotary/test_schedules.py.
"""

import importlib
from typing import Any

from torch import Tensor

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.library import Library

HEADS, SECTIONS = 5, [8, 12, 12]


def of_positions(library: Library, device: str) -> Function:
    """The two as one function of q, k and positions (B, S)."""
    rotate, head_dim = library.fetch(), library.convention.head_dim or 0
    modeling = library.function.partition(":")[0]
    kind = library.package.function(f"{modeling}:Qwen2VLRotaryEmbedding", "config")
    configuration = importlib.import_module("transformers.models.qwen2_vl.configuration_qwen2_vl")
    config = configuration.Qwen2VLTextConfig(
        hidden_size=HEADS * head_dim,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        rope_parameters={
            "rope_type": "default",
            "rope_theta": library.convention.theta,
            "mrope_section": SECTIONS,
        },
    )
    module = kind(config).to("cpu" if device == "interpreter" else device)

    def apply(q: Tensor, k: Tensor, positions: Tensor) -> Any:
        cos, sin = module(q, positions[None].expand(3, -1, -1))  # (B, S, D) each
        return rotate(q, k, cos, sin, unsqueeze_dim=2)

    return apply
