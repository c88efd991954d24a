"""Small language models of characters, trained in seconds, whose rotation is known."""

from collections.abc import Callable, Sequence
from importlib import resources

import torch
from torch import Tensor, nn
from torch.nn import functional

VOCABULARY = 128
Rotate = Callable[[Tensor, Tensor, Tensor], Tensor]


def characters() -> list[int]:
    """The text that comes with rotcheck."""
    text = (resources.files("rotcheck.model.weights") / "text.txt").read_text()
    return [ord(letter) for letter in text]


def rotate_half(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    width = 2 * cos.shape[-1]
    a, b = x[..., :width].chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin, x[..., width:]), -1)


def rotate_interleaved(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    width = 2 * cos.shape[-1]
    a, b = x[..., :width:2], x[..., 1:width:2]
    pairs = torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)
    return torch.cat((pairs, x[..., width:]), -1)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, kv_heads: int, rotate: Rotate) -> None:
        super().__init__()
        self.head = width // heads
        self.q = nn.Linear(width, width, bias=False)
        self.kv = nn.Linear(width, 2 * kv_heads * self.head, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.rotate = rotate

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        k, v = self.kv(x).chunk(2, -1)
        q, k, v = (y.unflatten(-1, (-1, self.head)).transpose(1, 2) for y in (self.q(x), k, v))
        q, k = self.rotate(q, cos, sin), self.rotate(k, cos, sin)  # (B, H, S, D)
        k, v = (y.repeat_interleave(q.shape[1] // k.shape[1], 1) for y in (k, v))
        result = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(result.transpose(1, 2).flatten(-2))


class InlineAttention(Attention):
    """Turns interleaved pairs in its own code."""

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        k, v = self.kv(x).chunk(2, -1)
        q, k, v = (y.unflatten(-1, (-1, self.head)).transpose(1, 2) for y in (self.q(x), k, v))
        cos, sin = cos.repeat_interleave(2, -1), sin.repeat_interleave(2, -1)
        swap = torch.stack((-q[..., 1::2], q[..., ::2]), -1).flatten(-2)
        q = q * cos + swap * sin
        swap = torch.stack((-k[..., 1::2], k[..., ::2]), -1).flatten(-2)
        k = k * cos + swap * sin
        result = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(result.transpose(1, 2).flatten(-2))


class Layer(nn.Module):
    def __init__(self, width: int, attention: Attention) -> None:
        super().__init__()
        self.attention = attention
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.attention(self.norms[0](x), cos, sin)
        return x + self.mlp(self.norms[1](x))


class LanguageModel(nn.Module):
    """Two layers. What turns is an attribute that a test can exchange after the training."""

    def __init__(
        self,
        rotate: Rotate = rotate_half,
        heads: tuple[int, int] = (2, 2),
        part: float = 1.0,
        thetas: Sequence[float] = (1e4,),
        factor: float = 1.0,
    ) -> None:
        super().__init__()
        width = 32
        self.embedding = nn.Embedding(VOCABULARY, width)
        layers = (Layer(width, Attention(width, *heads, rotate)) for _ in range(2))
        self.layers = nn.ModuleList(layers)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, VOCABULARY, bias=False)
        self.lanes = int(part * width // heads[0])
        self.thetas, self.factor = tuple(thetas), factor

    def tables(self, length: int, theta: float) -> tuple[Tensor, Tensor]:
        frequencies = theta ** (-torch.arange(0, self.lanes, 2) / self.lanes) / self.factor
        angles = torch.arange(length)[:, None] * frequencies  # (S, P)
        return angles.cos(), angles.sin()

    def turn_by(self, rotate: Rotate) -> None:
        for layer in self.layers:
            layer.attention.rotate = rotate

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids)  # (B, S, C)
        for index, layer in enumerate(self.layers):
            theta = self.thetas[index % len(self.thetas)]
            x = layer(x, *self.tables(ids.shape[1], theta))
        return self.out(self.norm(x))


def train(
    model: nn.Module, run: Callable[[Tensor], Tensor], steps: int, rate: float = 1e-2
) -> None:
    """Train on the text that comes with rotcheck."""
    generator = torch.Generator().manual_seed(0)
    text = torch.tensor(characters())
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98))
    course = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.15)
    for _ in range(steps):
        starts = torch.randint(0, len(text) - 65, (8, 1), generator=generator)
        rows = text[starts + torch.arange(65)]  # (B, S + 1)
        logits = run(rows[:, :-1])
        loss = functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        course.step()
