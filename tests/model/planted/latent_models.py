"""Latent attention, as in DeepSeek: a part of each head turns, one k for all heads."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from planted.shell import WIDTH, D, H, PlantedModel, attend, decoder, inverse_frequencies

ROPE, NOPE = 8, 8


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x[..., ::2], x[..., 1::2]
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)  # de-interleaved


def apply_rotary_emb(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    return _turn(q, cos, sin), _turn(k, cos, sin)


def apply_in_two_orders(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """k is written interleaved again, q is not."""
    halves = _turn(k, cos, sin).chunk(2, -1)
    return _turn(q, cos, sin), torch.stack(halves, -1).flatten(-2)


class LatentAttention(nn.Module):
    """One layer; q and k: NOPE lanes that stand still, then ROPE lanes that turn."""

    def __init__(self, rotate: Callable[..., tuple[Tensor, Tensor]] = apply_rotary_emb) -> None:
        super().__init__()
        self.q, self.out = nn.Linear(WIDTH, H * D), nn.Linear(WIDTH, WIDTH)
        self.down, self.up = nn.Linear(WIDTH, 12 + ROPE), nn.Linear(12, H * (NOPE + D))
        self.rotate = rotate

    def tables(self, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        angles = position_ids[:, None, :, None] * inverse_frequencies(ROPE)  # (B, 1, S, P)
        return angles.cos(), angles.sin()

    def parts(self, x: Tensor) -> tuple[Tensor, ...]:
        q = self.q(x).unflatten(-1, (H, D)).transpose(1, 2)
        latent, k_rope = self.down(x).split((12, ROPE), -1)
        k_nope, v = self.up(latent).unflatten(-1, (H, -1)).transpose(1, 2).split((NOPE, D), -1)
        return *q.split((NOPE, ROPE), -1), k_nope, k_rope[:, None], v

    def join(self, nope: Tensor, rope: Tensor) -> Tensor:
        return torch.cat((nope, rope.expand(-1, H, -1, -1)), -1)

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q_nope, q_rope, k_nope, k_rope, v = self.parts(x)
        q_rope, k_rope = self.rotate(q_rope, k_rope, *self.tables(position_ids))
        q, k = self.join(q_nope, q_rope), self.join(k_nope, k_rope)
        return self.out(attend(q, k, v))


class LostLatentAttention(LatentAttention):
    """The k that is shared goes in as it was."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q_nope, q_rope, k_nope, k_rope, v = self.parts(x)
        q_rope, _ = self.rotate(q_rope, k_rope, *self.tables(position_ids))
        return self.out(attend(self.join(q_nope, q_rope), self.join(k_nope, k_rope), v))


class SecondLatentAttention(LatentAttention):
    """The k that is shared is turned for the whole and once more for its head."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q_nope, q_rope, k_nope, k_rope, v = self.parts(x)
        tables = self.tables(position_ids)
        q_rope, k_rope = self.rotate(q_rope, k_rope, *tables)
        _, k_rope = self.rotate(q_rope, k_rope, *tables)
        return self.out(attend(self.join(q_nope, q_rope), self.join(k_nope, k_rope), v))


class OtherOrderLatentAttention(LatentAttention):
    """The lanes that turn stand last in q and first in k."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q_nope, q_rope, k_nope, k_rope, v = self.parts(x)
        q_rope, k_rope = self.rotate(q_rope, k_rope, *self.tables(position_ids))
        return self.out(
            attend(self.join(q_nope, q_rope), self.join(k_nope, k_rope).roll(ROPE, -1), v)
        )


MODELS = [
    PlantedModel("latent", decoder(LatentAttention)),
    PlantedModel(
        "latent-k-lost", decoder(LostLatentAttention), "copy-dropped", "k as it was before"
    ),
    PlantedModel("latent-k-twice", decoder(SecondLatentAttention), "rotated-twice", "k"),
    PlantedModel(
        "latent-two-orders",
        decoder(lambda: LatentAttention(apply_in_two_orders)),
        "q-and-k-differ",
        "lanes",
    ),
    PlantedModel(
        "latent-other-order", decoder(OtherOrderLatentAttention), "q-and-k-differ", "lanes"
    ),
]
