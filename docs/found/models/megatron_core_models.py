"""Megatron-Core's rotary embedding, without fusion, in one layer of attention.

Its `get_emb` moves to CUDA; what it does then, each angle twice, is written here.
"""

from typing import Any

import torch
from megatron.core.models.common.embeddings.rope_utils import apply_rotary_pos_emb
from megatron.core.models.common.embeddings.rotary_pos_embedding import RotaryEmbedding
from megatron.core.transformer.transformer_config import TransformerConfig
from one_layer import LLAMA3, llama_config, one_layer
from torch import Tensor, nn


class _Group:
    """A group of one process, which is all that runs here."""

    def size(self) -> int:
        """How many processes are in it."""
        return 1

    def rank(self) -> int:
        """Which of them this is."""
        return 0


def _layer(
    declared: dict[str, Any], part: float = 1.0, interleaved: bool = False, **options: Any
) -> tuple[nn.Module, dict[str, Tensor]]:
    config = llama_config({"partial_rotary_factor": part} | declared, 131072)
    theta = int(config.rope_parameters["rope_theta"])
    group: Any = _Group()
    rotary = RotaryEmbedding(
        128,
        part,
        rotary_interleaved=interleaved,
        rotary_base=theta,
        use_cpu_initialization=True,
        cp_group=group,
        **options,
    )
    megatron = TransformerConfig(
        num_layers=1, hidden_size=256, num_attention_heads=2, rotary_interleaved=interleaved
    )

    def turn(positions: Tensor, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Lay out q and k (B, S, H, D) as Megatron takes them, (S, B, H, D)."""
        angles = rotary.get_freqs_non_repeated(positions.shape[1])
        twice = angles.repeat_interleave(2, -1) if interleaved else torch.cat((angles, angles), -1)
        turned = [
            apply_rotary_pos_emb(x.transpose(0, 1), twice[:, None, None], megatron, cp_group=group)
            for x in (q, k)
        ]
        return turned[0].transpose(0, 1), turned[1].transpose(0, 1)

    return one_layer(turn, config)


def plain() -> tuple[nn.Module, dict[str, Tensor]]:
    """Half pairing."""
    return _layer({"rope_type": "default"})


def interleaved() -> tuple[nn.Module, dict[str, Tensor]]:
    """`rotary_interleaved`."""
    return _layer({"rope_type": "default"}, interleaved=True)


def partial() -> tuple[nn.Module, dict[str, Tensor]]:
    """A quarter of each head."""
    return _layer({"rope_type": "default"}, 0.25)


def interpolated() -> tuple[nn.Module, dict[str, Tensor]]:
    """Positions over 4."""
    return _layer({"rope_type": "linear", "factor": 4.0}, seq_len_interpolation_factor=4)


def llama3() -> tuple[nn.Module, dict[str, Tensor]]:
    """Llama 3's scaling by 8."""
    return _layer(LLAMA3, rope_scaling=True, rope_scaling_factor=8.0)
