"""KerasHub's rotary layers on the backend torch, in one layer of attention."""

import os

os.environ["KERAS_BACKEND"] = "torch"  # before Keras is imported

from typing import Any

from keras_hub.layers import RotaryEmbedding
from keras_hub.src.models.llama.llama_rotary_embedding import LlamaRotaryEmbedding
from one_layer import LLAMA3, llama_config, one_layer
from torch import Tensor, nn

YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096}


def _layer(
    rotary: RotaryEmbedding, rope: dict[str, Any], length: int = 4096
) -> tuple[nn.Module, dict[str, Tensor]]:
    config = llama_config(rope, length)

    def turn(positions: Tensor, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Turn q and k (B, S, H, D)."""
        return rotary(q, positions=positions), rotary(k, positions=positions)

    return one_layer(turn, config)


def plain() -> tuple[nn.Module, dict[str, Tensor]]:
    """Half pairing."""
    return _layer(RotaryEmbedding(), {"rope_type": "default"})


def linear() -> tuple[nn.Module, dict[str, Tensor]]:
    """Positions over 4."""
    return _layer(RotaryEmbedding(scaling_factor=4.0), {"rope_type": "linear", "factor": 4.0})


def dynamic() -> tuple[nn.Module, dict[str, Tensor]]:
    """Dynamic NTK scaling by 4."""
    rotary = RotaryEmbedding(scaling_factor=4.0, rope_type="dynamic")
    return _layer(rotary, {"rope_type": "dynamic", "factor": 4.0})


def yarn() -> tuple[nn.Module, dict[str, Tensor]]:
    """YaRN by 4."""
    return _layer(RotaryEmbedding(scaling_factor=4.0, rope_type="yarn"), YARN, 16384)


def llama_linear() -> tuple[nn.Module, dict[str, Tensor]]:
    """Positions over 4, of the Llama backbone."""
    rotary = LlamaRotaryEmbedding(position_scaling_factor=4.0)
    return _layer(rotary, {"rope_type": "linear", "factor": 4.0})


def llama_3_1() -> tuple[nn.Module, dict[str, Tensor]]:
    """Llama 3's scaling by 8."""
    rotary = LlamaRotaryEmbedding(
        max_wavelength=500000.0,
        frequency_adjustment_factor=8.0,
        low_freq_factor=1.0,
        high_freq_factor=4.0,
        pretraining_sequence_length=8192,
    )
    return _layer(rotary, LLAMA3, 131072)
