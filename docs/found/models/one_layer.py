"""A layer of attention around the rotary function of a library that builds no model here."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

Turn = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
HEADS = 2


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
