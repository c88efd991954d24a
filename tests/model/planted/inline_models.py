"""Rotations without a function of their own: in the middle of an attention's forward."""

import torch
from torch import Tensor, nn

from planted.half_models import rotate_half
from planted.shell import WIDTH, D, H, PlantedModel, attend, decoder, inverse_frequencies


class InlineAttention(nn.Module):
    """cos and sin made, q and k turned and attended to in one function."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        angles = (position_ids[..., None] * inverse_frequencies())[:, None]
        cos, sin = angles.cos(), angles.sin()
        q1, q2 = q.chunk(2, -1)
        q = torch.cat((q1 * cos - q2 * sin, q2 * cos + q1 * sin), -1)
        k1, k2 = k.chunk(2, -1)
        k = torch.cat((k1 * cos - k2 * sin, k2 * cos + k1 * sin), -1)
        return self.out(attend(q, k, v))


class InlineComplexAttention(InlineAttention):
    """The same in complex numbers."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        angles = (position_ids[..., None] * inverse_frequencies())[:, None]
        turns = torch.polar(torch.ones_like(angles), angles)
        q = torch.view_as_real(torch.view_as_complex(q.unflatten(-1, (-1, 2))) * turns).flatten(-2)
        k = torch.view_as_real(torch.view_as_complex(k.unflatten(-1, (-1, 2))) * turns).flatten(-2)
        return self.out(attend(q, k, v))


class InlineKeyBackwards(InlineAttention):
    """k turns backwards."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        angles = (position_ids[..., None] * inverse_frequencies())[:, None]
        cos, sin = angles.cos(), angles.sin()
        q1, q2 = q.chunk(2, -1)
        q = torch.cat((q1 * cos - q2 * sin, q2 * cos + q1 * sin), -1)
        k1, k2 = k.chunk(2, -1)
        k = torch.cat((k1 * cos + k2 * sin, k2 * cos - k1 * sin), -1)
        return self.out(attend(q, k, v))


class InlineLostKey(InlineAttention):
    """k is turned, and then not used."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        angles = (position_ids[..., None] * inverse_frequencies())[:, None]
        cos, sin = angles.cos(), angles.sin()
        q1, q2 = q.chunk(2, -1)
        q = torch.cat((q1 * cos - q2 * sin, q2 * cos + q1 * sin), -1)
        k1, k2 = k.chunk(2, -1)
        turned = torch.cat((k1 * cos - k2 * sin, k2 * cos + k1 * sin), -1)
        return self.out(attend(q, k, v) + 0 * turned.sum())


class InlineKeyNot(InlineAttention):
    """k is not turned."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        angles = (position_ids[..., None] * inverse_frequencies())[:, None]
        cos, sin = angles.cos(), angles.sin()
        q1, q2 = q.chunk(2, -1)
        q = torch.cat((q1 * cos - q2 * sin, q2 * cos + q1 * sin), -1)
        return self.out(attend(q, k, v))


class InlineValueTurned(InlineAttention):
    """v turns along, in a line of its own."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        angles = (position_ids[..., None] * inverse_frequencies())[:, None].repeat(1, 1, 1, 2)
        cos, sin = angles.cos(), angles.sin()
        q = q * cos + rotate_half(q) * sin
        k = k * cos + rotate_half(k) * sin
        v = v * cos + rotate_half(v) * sin
        return self.out(attend(q, k, v))


MODELS = [
    PlantedModel("inline-v-turned", decoder(InlineValueTurned), "v-rotated", "v"),
    PlantedModel("inline", decoder(InlineAttention)),
    PlantedModel("inline-complex", decoder(InlineComplexAttention)),
    PlantedModel("inline-k-backwards", decoder(InlineKeyBackwards), "q-and-k-differ", "opposite"),
    PlantedModel("inline-k-lost", decoder(InlineLostKey), "copy-dropped", "k as it was before"),
    PlantedModel("inline-k-not", decoder(InlineKeyNot), "not-rotated", "k"),
]
