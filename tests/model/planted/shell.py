"""What planted models are made of: a decoder around any attention, and its inputs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

B, S, H, D = 2, 20, 4, 16
WIDTH = H * D
WORDS = 31  # of the vocabulary

Inputs = Callable[[], dict[str, Any]]


def tokens(length: int = S, batch: int = B) -> dict[str, Any]:
    """Token numbers, each row another one."""
    generator = torch.Generator().manual_seed(7)
    return {"input_ids": torch.randint(WORDS, (batch, length), generator=generator)}


def tokens_with_positions() -> dict[str, Any]:
    """Token numbers whose rows begin at different positions."""
    positions = torch.arange(S) + torch.tensor([[0], [5]])
    return tokens() | {"position_ids": positions}


@dataclass(frozen=True)
class PlantedModel:
    """A model and what is wrong with it.

    `finding`: the code; empty: nothing is wrong. `words`: a part of the message.
    """

    name: str
    build: Callable[[], nn.Module]
    finding: str = ""
    words: str = ""
    inputs: Inputs = tokens
    config: Mapping[str, Any] | None = None


class Decoder(nn.Module):
    """Embeds tokens, adds what each layer makes of them, and gives scores of words."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.embed = nn.Embedding(WORDS, WIDTH)
        self.layers = nn.ModuleList(layers)
        self.head = nn.Linear(WIDTH, WORDS)

    def forward(self, input_ids: Tensor, position_ids: Tensor | None = None) -> Tensor:
        if position_ids is None:
            position_ids = torch.arange(input_ids.shape[1])[None]  # (1, S)
        x = self.embed(input_ids)
        for layer in self.layers:
            x = x + layer(x, position_ids)
        return self.head(x)


def decoder(layer: Callable[[], nn.Module], layers: int = 1) -> Callable[[], Decoder]:
    """A factory of a decoder whose layers are all alike."""
    return lambda: Decoder([layer() for _ in range(layers)])


def inverse_frequencies(lanes: int = D, theta: float = 10000.0) -> Tensor:
    """Radians a position, (lanes / 2,)."""
    return 1.0 / theta ** (torch.arange(0, lanes, 2).float() / lanes)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Fused attention of (B, H, S, D), as rows (B, S, H * D)."""
    y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    return y.transpose(1, 2).flatten(-2)
