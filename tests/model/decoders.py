"""Small models as people write them, for `rotcheck model`: right ones, and each with one thing
wrong."""

import os
from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.nn import functional

VOCABULARY, HEADS, KEY_HEADS, WIDTH = 97, 4, 2, 16
Rotate = Callable[..., tuple[Tensor, Tensor]]


def rotate_half(x: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def rotate(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


def rotate_twice(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    return rotate(*rotate(q, k, cos, sin), cos, sin)


def one_sign(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    return q * cos + q.roll(WIDTH // 2, -1) * sin, k * cos + k.roll(WIDTH // 2, -1) * sin


class Tables(nn.Module):
    def __init__(self, theta: float) -> None:
        super().__init__()
        self.register_buffer("inv_freq", theta ** (-torch.arange(0, WIDTH, 2) / WIDTH))

    def forward(self, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        angles = position_ids[..., None].float() * self.inv_freq  # (B, S, P)
        angles = torch.cat((angles, angles), -1)[:, None]  # (B, 1, S, D)
        return angles.cos(), angles.sin()


class Attention(nn.Module):
    def __init__(self, rotate: Rotate) -> None:
        super().__init__()
        self.q = nn.Linear(HEADS * WIDTH, HEADS * WIDTH)
        self.kv = nn.Linear(HEADS * WIDTH, 2 * KEY_HEADS * WIDTH)
        self.out = nn.Linear(HEADS * WIDTH, HEADS * WIDTH)
        self.rotate = rotate

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        q = self.q(x).unflatten(-1, (HEADS, WIDTH)).transpose(1, 2)  # (B, H, S, D)
        k, v = (
            y.unflatten(-1, (KEY_HEADS, WIDTH)).transpose(1, 2) for y in self.kv(x).chunk(2, -1)
        )
        q, k = self.rotate(q, k, cos, sin)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.out(y.transpose(1, 2).flatten(-2))


class Decoder(nn.Module):
    def __init__(self, rotate: Rotate = rotate, theta: float = 10000.0) -> None:
        super().__init__()
        declared = {
            "model_type": "llama", "rope_theta": 10000.0, "num_attention_heads": HEADS,
            "hidden_size": HEADS * WIDTH, "head_dim": WIDTH, "max_position_embeddings": 4096,
        }  # fmt: skip
        self.config = SimpleNamespace(to_dict=lambda: declared)
        self.embedding = nn.Embedding(VOCABULARY, HEADS * WIDTH)
        self.tables = Tables(theta)
        self.layers = nn.ModuleList(Attention(rotate) for _ in range(2))
        self.head = nn.Linear(HEADS * WIDTH, VOCABULARY)

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.embedding(input_ids)
        positions = torch.arange(input_ids.shape[1], device=x.device)[None]  # (1, S)
        cos, sin = self.tables(positions)
        for layer in self.layers:
            x = x + layer(x, cos, sin)
        return self.head(x)


def right() -> nn.Module:
    return Decoder()


def twice() -> nn.Module:
    return Decoder(rotate_twice)


def summed() -> nn.Module:
    return Decoder(one_sign)


def other_theta() -> nn.Module:
    return Decoder(theta=500000.0)


def without_rotation() -> nn.Module:
    return Decoder(lambda q, k, cos, sin: (q, k))


def raises() -> nn.Module:
    raise ValueError("no weights here")


def dies() -> nn.Module:
    os.abort()
