"""A port of Gemma 3 as people write one, whose layers all turn by one theta."""

import torch
from torch import Tensor, nn

HEAD, LAYERS, WORDS, LONGEST = 32, 12, 97, 4096


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn x (B, H, S, D), halves of a head, by tables (S, D / 2)."""
    x1, x2 = x.chunk(2, -1)  # (B, H, S, D / 2) each
    return torch.cat((x1 * cos - x2 * sin, x2 * cos + x1 * sin), -1)


class Attention(nn.Module):
    """One head, with tables of its own."""

    def __init__(self, theta: float) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(HEAD, 3 * HEAD), nn.Linear(HEAD, HEAD)
        frequencies = theta ** (-torch.arange(0, HEAD, 2) / HEAD)
        angles = torch.outer(torch.arange(LONGEST), frequencies)  # (N, P)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x)[:, None].chunk(3, -1)  # (B, 1, S, D) each
        cos, sin = self.cos[: x.shape[1]], self.sin[: x.shape[1]]
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y[:, 0])


class Gemma(nn.Module):
    """Tokens to scores of words."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(WORDS, HEAD), nn.Linear(HEAD, WORDS)
        self.layers = nn.ModuleList(Attention(theta=10000.0) for _ in range(LAYERS))

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens)
        for layer in self.layers:
            x = x + layer(x)
        return self.head(x)


def gemma() -> nn.Module:
    """Build the port, with random weights."""
    return Gemma()
