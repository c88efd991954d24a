"""SGLang's rotary modules as `get_rope` makes them of a configuration, in one layer of attention.

Its compiled kernels are left out: what runs is their description in Python.
"""

import os

os.environ["SGLANG_USE_CPU_ENGINE"] = "1"  # before SGLang is imported

from typing import Any

from one_layer import LLAMA3, llama_config, one_layer, turn_of_engine
from sglang.srt.layers.rotary_embedding.factory import get_rope
from torch import Tensor, nn

YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
LONGROPE = {
    "rope_type": "longrope",
    "factor": 4.0,
    "original_max_position_embeddings": 1024,
    "short_factor": [1.0] * 64,
    "long_factor": [2.0] * 64,
}


def _layer(
    rope: dict[str, Any], length: int = 4096, half: bool = True
) -> tuple[nn.Module, dict[str, Tensor]]:
    config = llama_config(rope, length)
    theta = config.rope_parameters["rope_theta"]
    part = rope.get("partial_rotary_factor", 1.0)
    scaling = config.rope_parameters
    rotary = get_rope(128, 128, length, theta, half, scaling, partial_rotary_factor=part)

    return one_layer(turn_of_engine(rotary), config)


def plain() -> tuple[nn.Module, dict[str, Tensor]]:
    """Half pairing."""
    return _layer({"rope_type": "default"})


def interleaved() -> tuple[nn.Module, dict[str, Tensor]]:
    """`is_neox_style=False`."""
    return _layer({"rope_type": "default"}, half=False)


def partial() -> tuple[nn.Module, dict[str, Tensor]]:
    """A quarter of each head."""
    return _layer({"rope_type": "default", "partial_rotary_factor": 0.25})


def linear() -> tuple[nn.Module, dict[str, Tensor]]:
    """Positions over 4."""
    return _layer({"rope_type": "linear", "factor": 4.0})


def dynamic() -> tuple[nn.Module, dict[str, Tensor]]:
    """Dynamic NTK scaling by 4."""
    return _layer({"rope_type": "dynamic", "factor": 4.0})


def llama3() -> tuple[nn.Module, dict[str, Tensor]]:
    """Llama 3's scaling by 8."""
    return _layer(LLAMA3, 131072)


def yarn() -> tuple[nn.Module, dict[str, Tensor]]:
    """YaRN by 4."""
    return _layer(YARN | {"rope_theta": 1e6}, 131072)


def yarn_with_factor() -> tuple[nn.Module, dict[str, Tensor]]:
    """YaRN by 4, with an attention factor of 1."""
    return _layer(YARN | {"rope_theta": 1e6, "attention_factor": 1.0}, 131072)


def yarn_with_sections() -> tuple[nn.Module, dict[str, Tensor]]:
    """YaRN by 4, with the sections of Qwen2.5-VL."""
    return _layer(YARN | {"rope_theta": 1e6, "mrope_section": [16, 24, 24]}, 131072)


def longrope() -> tuple[nn.Module, dict[str, Tensor]]:
    """LongRoPE, whose factors change at 1,024 tokens."""
    return _layer(LONGROPE, 4096)
