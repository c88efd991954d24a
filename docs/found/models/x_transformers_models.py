"""Decoders of x-transformers with its rotary options."""

from typing import Any

import torch
from torch import Tensor, nn
from x_transformers import Decoder, TransformerWrapper


def _small(**options: Any) -> tuple[nn.Module, dict[str, Tensor]]:
    usual = {"dim": 64, "depth": 2, "heads": 4, "attn_dim_head": 48, "rotary_pos_emb": True}
    layers = Decoder(**usual | options)
    model = TransformerWrapper(num_tokens=97, max_seq_len=64, attn_layers=layers)
    return model, {"x": torch.arange(2 * 19).view(2, 19) % 97}


def partial() -> tuple[nn.Module, dict[str, Tensor]]:
    """Half of the lanes, unless it is told otherwise."""
    return _small()


def whole() -> tuple[nn.Module, dict[str, Tensor]]:
    """All lanes."""
    return _small(rotary_emb_dim=48)


def interpolated() -> tuple[nn.Module, dict[str, Tensor]]:
    """Positions over 4."""
    return _small(rotary_interpolation_factor=4.0)


def rescaled() -> tuple[nn.Module, dict[str, Tensor]]:
    """Theta raised for a context of 4 times the length."""
    return _small(rotary_base_rescale_factor=4.0)


def xpos() -> tuple[nn.Module, dict[str, Tensor]]:
    """q grows with its position, and k shrinks."""
    return _small(rotary_xpos=True)
