"""Positions by many ways: counted in the call, behind a cache, from one, token by token."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from planted.shell import (
    WIDTH,
    B,
    D,
    Decoder,
    H,
    PlantedModel,
    S,
    attend,
    decoder,
    inverse_frequencies,
    tokens,
)


class Rotator:
    """Turns tensors (B, S, H, D) by positions that it counts itself; no module."""

    def __init__(self, first: int = 0, period: int = 1 << 20, theta: float = 10000.0) -> None:
        self.first, self.period = first, period
        self.frequencies = inverse_frequencies(theta=theta)

    def angles(self, length: int) -> Tensor:
        positions = (torch.arange(length) + self.first) % self.period
        return positions[:, None] * self.frequencies  # (S, D / 2)

    def turn(self, x: Tensor) -> Tensor:
        angles = self.angles(x.shape[1])[:, None]
        a, b = x.chunk(2, -1)
        cos, sin = angles.cos(), angles.sin()
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


class SharedPositionRotator(Rotator):
    """Goes on counting from one row of the batch to the next."""

    def turn(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, 1)[None]
        return super().turn(rows).view_as(x)


class Attention(nn.Module):
    """One layer whose q and k are turned by rotators."""

    def __init__(self, rotator: Rotator, rotator_of_k: Rotator | None = None) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.rotators = rotator, rotator_of_k or rotator

    def heads(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.qkv(x).unflatten(-1, (3, H, D)).unbind(-3)

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.heads(x)
        q, k = self.rotators[0].turn(q), self.rotators[1].turn(k)
        return self.out(attend(*(y.transpose(1, 2) for y in (q, k, v))))


class SequenceFirstAttention(Attention):
    """(S, B, H, D), as in Megatron; `axis`: along which the tables lie."""

    def __init__(self, axis: int = 0) -> None:
        super().__init__(Rotator())
        self.axis = axis

    def turn(self, t: Tensor, freqs: Tensor) -> Tensor:
        a, b = t.chunk(2, -1)
        cos, sin = freqs.cos(), freqs.sin()
        return t * cos + torch.cat((-b, a), -1) * sin

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = (y.transpose(0, 1) for y in self.heads(x))  # (S, B, H, D)
        freqs = self.rotators[0].angles(q.shape[self.axis]).repeat(1, 2)
        freqs = freqs[:, None, None] if self.axis == 0 else freqs[None, :, None]
        q, k = self.turn(q, freqs), self.turn(k, freqs)
        return self.out(attend(*(y.permute(1, 2, 0, 3) for y in (q, k, v))))


class FlatAttention(Attention):
    """Tokens of all rows in one, (B * S, H, D), as for kernels that take lengths."""

    def turn(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = (y.flatten(0, 1) for y in self.heads(x))
        angles = self.rotators[0].angles(x.shape[1]).repeat(len(x), 1)[:, None]
        q, k = (self.turn(y, angles.cos(), angles.sin()) for y in (q, k))
        q, k, v = (y.view(len(x), -1, H, D).transpose(1, 2) for y in (q, k, v))
        return self.out(attend(q, k, v))


class WideAttention(Attention):
    """q and k as rows of all heads, (B, S, H * D), when they are turned."""

    def turn(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        heads = x.unflatten(-1, (H, D))
        a, b = heads[..., ::2], heads[..., 1::2]
        return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-3)

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = (y.flatten(-2) for y in self.heads(x))
        angles = self.rotators[0].angles(x.shape[1])[:, None]
        q, k = (self.turn(y, angles.cos(), angles.sin()) for y in (q, k))
        return self.out(attend(*(y.unflatten(-1, (H, D)).transpose(1, 2) for y in (q, k, v))))


class CacheModel(Decoder):
    """Its first token stands behind those of a cache; `late`: which of q and k know that."""

    def __init__(self, q: int, k: int) -> None:
        super().__init__([Attention(Rotator(q), Rotator(k))])


class LearntAttention(Attention):
    """Frequencies that were trained."""

    def __init__(self) -> None:
        super().__init__(Rotator())
        frequencies = torch.tensor([0.91, 0.63, 0.31, 0.22, 0.09, 0.041, 0.013, 0.004])
        self.rotators[0].frequencies = nn.Parameter(frequencies)


def _of(*rotators: Callable[[], Rotator]) -> Callable[[], nn.Module]:
    return decoder(lambda: Attention(*(make() for make in rotators)))


def _one_row() -> dict[str, Any]:
    return tokens(batch=1)


def _two_types() -> Decoder:
    thetas = (10000.0, 1000000.0, 10000.0, 1000000.0)
    return Decoder([Attention(Rotator(theta=theta)) for theta in thetas])


def _in_bfloat16(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: build().bfloat16()


MODELS = [
    PlantedModel("counted", _of(Rotator)),
    PlantedModel("counted-one-row", _of(Rotator), inputs=_one_row),
    PlantedModel("counted-from-one", _of(lambda: Rotator(1))),
    PlantedModel("counted-behind-a-cache", lambda: CacheModel(37, 37)),
    PlantedModel("counted-two-thetas", _two_types),
    PlantedModel("counted-bfloat16", _in_bfloat16(_of(Rotator))),
    PlantedModel("counted-sequence-first", decoder(SequenceFirstAttention)),
    PlantedModel("counted-flat", decoder(lambda: FlatAttention(Rotator()))),
    PlantedModel("counted-wide", decoder(lambda: WideAttention(Rotator()))),
    PlantedModel("counted-learnt-frequencies", decoder(LearntAttention)),
    PlantedModel("counted-k-late", _of(Rotator, lambda: Rotator(1)), "q-and-k-differ", "positions: 0 and 1"),
    PlantedModel("counted-q-without-cache", lambda: CacheModel(0, 37), "q-and-k-differ", "positions: 0 and 37"),
    PlantedModel("counted-k-theta", _of(Rotator, lambda: Rotator(theta=5e5)), "q-and-k-differ", "frequencies"),
    PlantedModel(
        "counted-k-theta-bfloat16", _in_bfloat16(_of(Rotator, lambda: Rotator(theta=5e5))),
        "q-and-k-differ", "frequencies",
    ),
    PlantedModel("counted-again", _of(lambda: Rotator(period=8)), "row-past-table", "position 8 turns as position 0"),
    PlantedModel("counted-sequence-second", decoder(lambda: SequenceFirstAttention(1)), "per-batch", "axis 1"),
    PlantedModel("counted-through-rows", _of(SharedPositionRotator), "per-batch", "goes on"),
]  # fmt: skip
assert B < S
