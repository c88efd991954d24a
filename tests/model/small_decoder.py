"""A small decoder with a cache, whose parts the tests replace by wrong and by other right ones."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from rotcheck.model.build.call_search import copy_of
from rotcheck.model.forward_pass import run_forward
from rotcheck.model.sequences.way import WaySubject

HEADS, WIDTH, WORDS = 3, 16, 50
LAYERS = 2
ORIGINAL = 512  # positions that the models are made for
Cache = list[tuple[Tensor, Tensor]]


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn x (B, H, S, D), halves of a head, by tables (B, 1, S, D)."""
    a, b = x.chunk(2, -1)  # (B, H, S, D / 2) each
    return x * cos + torch.cat((-b, a), -1) * sin


class RotaryTables(nn.Module):
    """cos and sin of positions, from frequencies in a buffer."""

    inv_freq: Tensor

    def __init__(self) -> None:
        super().__init__()
        frequencies = 10000.0 ** (-torch.arange(0, WIDTH, 2) / WIDTH)
        self.register_buffer("inv_freq", frequencies, persistent=False)

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Tables (B, 1, S, D) of positions (B, S)."""
        angles = positions[..., None].float() * self.inv_freq.float()  # (B, S, P)
        angles = torch.cat((angles, angles), -1)[:, None]  # (B, 1, S, D)
        return angles.cos(), angles.sin()


class CacheAttention(nn.Module):
    """Turns q and k, and appends k and v to a cache."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(HEADS * WIDTH, 3 * HEADS * WIDTH)
        self.out = nn.Linear(HEADS * WIDTH, HEADS * WIDTH)

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, past: tuple[Tensor, Tensor] | None, mask: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The output (B, S, C), and the keys and values until now."""
        q, k, v = (
            y.unflatten(-1, (HEADS, WIDTH)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1)
        )
        q, k, v, kept = self.turn_and_keep(q, k, v, cos.to(x.dtype), sin.to(x.dtype), past)
        y = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(y.transpose(1, 2).flatten(-2)), kept

    def turn_and_keep(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        cos: Tensor,
        sin: Tensor,
        past: tuple[Tensor, Tensor] | None,
    ) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor]]:
        """q, k and v for the attention, and what to keep of k and v. (B, H, S, D)"""
        q, k = turn(q, cos, sin), turn(k, cos, sin)
        k, v = appended(past, k, v)
        return q, k, v, (k, v)


def appended(past: tuple[Tensor, Tensor] | None, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """The keys and values of a cache, then the new ones."""
    if past is None:
        return k, v
    return torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)


class SmallDecoder(nn.Module):
    """Rows of tokens to scores of the next ones."""

    tables: type[nn.Module] = RotaryTables
    attention: type[CacheAttention] = CacheAttention

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(WORDS, HEADS * WIDTH)
        self.rotary = self.tables()
        self.layers = nn.ModuleList(self.attention() for _ in range(LAYERS))
        self.head = nn.Linear(HEADS * WIDTH, WORDS)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
    ) -> dict[str, Any]:
        """The scores (B, S, V) and the cache."""
        past = past_key_values[0][0].shape[2] if past_key_values else 0
        positions = self.positions(input_ids, past, attention_mask, position_ids)
        cos, sin = self.rotary(positions.expand(len(input_ids), -1))
        mask = _causal(input_ids.shape[1], past, attention_mask)
        x = self.embed(input_ids)  # (B, S, C)
        cache: Cache = []
        for index, layer in enumerate(self.layers):
            y, kept = layer(x, cos, sin, past_key_values[index] if past_key_values else None, mask)
            x = x + y
            cache.append(kept)
        return {"logits": self.head(x), "past_key_values": cache}

    def positions(
        self, tokens: Tensor, past: int, mask: Tensor | None, position_ids: Tensor | None
    ) -> Tensor:
        """The positions (1 or B, S) of the tokens."""
        if position_ids is not None:
            return position_ids
        return torch.arange(past, past + tokens.shape[1])[None]


def _causal(length: int, past: int, mask: Tensor | None) -> Tensor:
    """Which tokens see which, (B or 1, 1, S, past + S)."""
    sees = torch.ones(length, past + length, dtype=torch.bool).tril(past)[None, None]
    if mask is None:
        return sees
    itself = torch.eye(length, dtype=torch.bool)
    itself = torch.cat((torch.zeros(length, past, dtype=torch.bool), itself), 1)
    return (sees & mask.bool()[:, None, None]) | itself


def subject_of(build: Callable[[], nn.Module], **inputs: Tensor) -> WaySubject:
    """A model, as the ways get it."""
    torch.manual_seed(0)
    module = build().eval()
    inputs = inputs or {"input_ids": torch.randint(WORDS, (1, 19))}
    untouched = copy_of(module)
    with torch.no_grad():
        whole = run_forward(module, inputs)
    return WaySubject(
        module,
        inputs,
        {"max_position_embeddings": ORIGINAL},
        "cpu",
        torch.float32,
        build,
        whole,
        untouched,
    )
