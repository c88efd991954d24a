"""An encoder and a decoder that attends to it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from planted.shell import WIDTH, WORDS, D, H, PlantedModel, S, inverse_frequencies, tokens


def apply_rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def tables(length: int) -> tuple[Tensor, Tensor]:
    angles = torch.arange(length)[:, None] * inverse_frequencies()
    return angles.cos(), angles.sin()


class CrossAttention(nn.Module):
    """q of one sequence, k and v of another; `turns`: which of q and k turn."""

    def __init__(self, turns: str, causal: bool = False) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.turns, self.causal = turns, causal

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        q = self.q(x).unflatten(-1, (H, D)).transpose(1, 2)
        k, v = (w(memory).unflatten(-1, (H, D)).transpose(1, 2) for w in (self.k, self.v))
        if "q" in self.turns:
            q = apply_rotary(q, *tables(q.shape[2]))
        if "k" in self.turns:
            k = apply_rotary(k, *tables(k.shape[2]))
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(y.transpose(1, 2).flatten(-2))


class TwoTowers(nn.Module):
    """`across`: which of q and k turn where the decoder attends to the encoder, `within`: which
    turn in the encoder."""

    def __init__(self, across: str, within: str = "qk") -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(WORDS, WIDTH), nn.Linear(WIDTH, WORDS)
        self.encoder = CrossAttention(within)
        self.decoder, self.across = CrossAttention("qk", True), CrossAttention(across)

    def forward(self, input_ids: Tensor, decoder_input_ids: Tensor) -> Tensor:
        memory = self.embed(input_ids)
        memory = memory + self.encoder(memory, memory)
        x = self.embed(decoder_input_ids)
        x = x + self.decoder(x, x)
        return self.head(x + self.across(x, memory))


def two_sequences() -> dict[str, Any]:
    """One of S and one of 13 tokens."""
    return tokens() | {"decoder_input_ids": tokens(13)["input_ids"]}


def _of(across: str, within: str = "qk") -> Callable[[], nn.Module]:
    return lambda: TwoTowers(across, within)


MODELS = [
    PlantedModel("two-towers", _of(""), inputs=two_sequences),
    PlantedModel("two-towers-all-turn", _of("qk"), inputs=two_sequences),
    PlantedModel("two-towers-nothing-turns-memory", _of("q", ""), inputs=two_sequences),
    PlantedModel("two-towers-q-alone", _of("q"), "not-rotated", "k", two_sequences),
    PlantedModel("two-towers-k-alone", _of("k"), "not-rotated", "q", two_sequences),
]
assert S != 13
