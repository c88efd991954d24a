"""transformers' Qwen2-VL: its module makes M-RoPE's tables of positions, its function applies them.

Three rows of positions (time, height, width) are the same here, as in text: M-RoPE is plain RoPE then. Sections of
different positions are held against float64 in tests/rotary/test_schedules.py.
"""

import importlib
from typing import Any

from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.transformers_llama import TRANSFORMERS

HEAD_DIM, SECTIONS = 64, [8, 12, 12]

convention = Convention(
    pairing="half",
    layout="bshd",
    tables="positions",
    arguments=("q", "k", "positions"),
    positions="any",
    position_axes="bs",
    head_dim=HEAD_DIM,
)


def load(device: str) -> Function:
    """Return the two as one function of q, k and positions (B, S)."""
    model = "transformers.models.qwen2_vl.modeling_qwen2_vl"
    rotate = TRANSFORMERS.function(
        f"{model}:apply_rotary_pos_emb", "q", "k", "cos", "sin", "unsqueeze_dim="
    )
    kind = TRANSFORMERS.function(f"{model}:Qwen2VLRotaryEmbedding", "config")
    configuration = importlib.import_module("transformers.models.qwen2_vl.configuration_qwen2_vl")
    rope = {"rope_type": "default", "rope_theta": convention.theta, "mrope_section": SECTIONS}
    config = configuration.Qwen2VLTextConfig(
        hidden_size=5 * HEAD_DIM, num_attention_heads=5, num_key_value_heads=5, rope_parameters=rope
    )
    module = kind(config).to("cpu" if device == "interpreter" else device)

    def apply(q: Tensor, k: Tensor, positions: Tensor) -> Any:
        cos, sin = module(q, positions[None].expand(3, -1, -1))  # (B, S, D) each
        return rotate(q, k, cos, sin, unsqueeze_dim=2)

    return apply
