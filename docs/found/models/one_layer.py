"""A layer of attention around the rotary function of a library that builds no model here."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import LlamaConfig

Turn = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
HEADS = 2
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


class OneLayer(nn.Module):
    """Attention in which `turn(positions, q, k)` turns q and k (B, S, H, D)."""

    def __init__(self, turn: Turn, config: Any) -> None:
        super().__init__()
        self.turn, self.config = turn, config
        width = HEADS * config.head_dim
        self.qkv = nn.Linear(width, 3 * width)

    def forward(self, hidden: Tensor, position_ids: Tensor) -> Tensor:
        """The attention of `hidden` (B, S, H*D) at `position_ids` (B, S)."""
        q, k, v = self.qkv(hidden).unflatten(-1, (3, HEADS, -1)).unbind(2)  # (B, S, H, D)
        q, k = self.turn(position_ids, q, k)
        return scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, v)), is_causal=True)


def one_layer(turn: Turn, config: Any) -> tuple[nn.Module, dict[str, Tensor]]:
    """The layer, and the inputs of one call."""
    positions = torch.arange(19).expand(2, -1)
    hidden = torch.randn(2, 19, HEADS * config.head_dim)
    return OneLayer(turn, config), {"hidden": hidden, "position_ids": positions}


def llama_config(rope: dict[str, Any], length: int = 4096) -> LlamaConfig:
    """A configuration that declares this rotation, of heads of 128 lanes and `length` positions."""
    parameters = {"rope_theta": 10000.0} | rope
    return LlamaConfig(head_dim=128, max_position_embeddings=length, rope_parameters=parameters)


def turn_of_engine(rotary: Callable[..., Any]) -> Turn:
    """The call of a rotary module that takes q and k as engines lay them out, (T, H*D)."""

    def turn(positions: Tensor, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        flat = (x.flatten(0, 1).flatten(1) for x in (q, k))
        returned = rotary(positions.flatten(), *flat)
        return returned[0].view(q.shape), returned[1].view(k.shape)

    return turn
