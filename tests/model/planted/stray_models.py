"""A rotation along the heads by tables of several axes; and one whose code has no module."""

from typing import Any

import torch
from torch import Tensor, nn

from planted.half_models import rotate_half
from planted.shell import WIDTH, D, H, PlantedModel, attend, decoder, inverse_frequencies

LONGEST = 64


def _table() -> Tensor:
    """cos and sin, (2, L, D)."""
    angles = torch.arange(LONGEST)[:, None] * inverse_frequencies().repeat(2)  # (L, D)
    return torch.stack((angles.cos(), angles.sin()))


def turn_axis_2(x: Tensor, table: Tensor) -> Tensor:
    """Turns (B, H, S, D) by the rows of a table (2, S, D)."""
    cos, sin = table[:, : x.shape[2]]
    return x * cos + rotate_half(x) * sin


class AxisAttention(nn.Module):
    """One layer; `exchanged`: its heads stand where the function takes the tokens to be."""

    def __init__(self, exchanged: bool = False) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.register_buffer("table", _table(), persistent=False)
        self.exchanged = exchanged

    def turn(self, x: Tensor) -> Tensor:
        if self.exchanged:
            return turn_axis_2(x.transpose(1, 2), self.table).transpose(1, 2)
        return turn_axis_2(x, self.table)

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        return self.out(attend(self.turn(q), self.turn(k), v))


WITHOUT_MODULE: dict[str, Any] = {"torch": torch, "rotate_half": rotate_half}
exec("def turn(x, cos, sin):\n    return x * cos + rotate_half(x) * sin\n", WITHOUT_MODULE)


class ExecutedAttention(AxisAttention):
    """Calls a function that `exec` made, which belongs to no module."""

    def turn(self, x: Tensor) -> Tensor:
        turned: Tensor = WITHOUT_MODULE["turn"](x, *self.table[:, : x.shape[2]])
        return turned


MODELS = [
    PlantedModel("axis", decoder(AxisAttention)),
    PlantedModel("axis-of-heads", decoder(lambda: AxisAttention(True)), "per-head", "axis"),
    PlantedModel("executed", decoder(ExecutedAttention)),
]
