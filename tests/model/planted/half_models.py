"""Halves of heads, as in transformers: (B, H, S, D), cos and sin made once for all layers."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from planted.shell import (
    WIDTH,
    D,
    Decoder,
    H,
    PlantedModel,
    attend,
    inverse_frequencies,
    tokens_with_positions,
)

Pair = tuple[Tensor, Tensor]


class RotaryEmbedding(nn.Module):
    """cos and sin of positions, (B, S, D) each."""

    def __init__(self, frequencies: Tensor, scaling: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("inv_freq", frequencies, persistent=False)
        self.scaling = scaling

    def forward(self, x: Tensor, position_ids: Tensor) -> Pair:
        angles = position_ids[..., None].float() * self.inv_freq  # (B, S, D / 2)
        emb = torch.cat((angles, angles), -1)
        return (emb.cos() * self.scaling).to(x.dtype), (emb.sin() * self.scaling).to(x.dtype)


class FirstRowEmbedding(RotaryEmbedding):
    """Takes the positions of the first row for all."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Pair:
        return super().forward(x, position_ids[:1])


def rotate_half(x: Tensor) -> Tensor:
    x1, x2 = x.chunk(2, -1)
    return torch.cat((-x2, x1), -1)


def rotate_every_two(x: Tensor) -> Tensor:
    return torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)


def apply_rotary_pos_emb(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


def apply_backwards(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    return apply_rotary_pos_emb(q, k, cos, -sin)


def apply_to_opposite_sides(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    return q * cos + rotate_half(q) * sin, k * cos - rotate_half(k) * sin


def apply_two_pairings(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    a = k * cos.chunk(2, -1)[0].repeat_interleave(2, -1)
    b = rotate_every_two(k) * sin.chunk(2, -1)[0].repeat_interleave(2, -1)
    return q * cos + rotate_half(q) * sin, a + b


def apply_one_sign(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    q2, k2 = q.roll(q.shape[-1] // 2, -1), k.roll(k.shape[-1] // 2, -1)
    return q * cos + q2 * sin, k * cos + k2 * sin


def apply_without_sin(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    cos = cos.unsqueeze(1)
    return q * cos, k * cos


def apply_sin_first(q: Tensor, k: Tensor, sin: Tensor, cos: Tensor) -> Pair:
    """Called with cos in front."""
    return apply_rotary_pos_emb(q, k, cos, sin)


def apply_every_two(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    """Neighbours turn, by tables laid out for halves."""
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    return q * cos + rotate_every_two(q) * sin, k * cos + rotate_every_two(k) * sin


def apply_with_new_values(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    """The second half is made of the new first half."""
    rows: list[Tensor] = []
    c, s = (table.unsqueeze(1).chunk(2, -1)[0] for table in (cos, sin))
    for x in (q, k):
        a, b = x.chunk(2, -1)
        a = a * c - b * s
        b = b * c + a * s
        rows.append(torch.cat((a, b), -1))
    return rows[0], rows[1]


def apply_and_lose_k(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    turned_q, _ = apply_rotary_pos_emb(q, k, cos, sin)
    return turned_q, k


def apply_twice(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    q, _ = apply_rotary_pos_emb(q, k, cos, sin)
    return apply_rotary_pos_emb(q, k, cos, sin)


def apply_both_twice(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    return apply_rotary_pos_emb(*apply_rotary_pos_emb(q, k, cos, sin), cos, sin)


def apply_to_q_detached(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    return apply_rotary_pos_emb(q, k.detach(), cos, sin)


@torch.no_grad()
def apply_without_gradient(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    return apply_rotary_pos_emb(q, k, cos, sin)


def apply_across_heads(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    """cos and sin of the first H positions, laid along the heads."""
    cos, sin = (table[:, :H].unsqueeze(2) for table in (cos, sin))  # (1, H, 1, D)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


def apply_by_head(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
    """Each head turns faster than the one before."""
    angles = torch.atan2(sin, cos).unsqueeze(1)
    angles = angles * torch.arange(1, H + 1)[:, None, None]  # (B, H, S, D)
    cos, sin = angles.cos(), angles.sin()
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


class HalfAttention(nn.Module):
    """One layer of Llama's kind."""

    def __init__(self, rotate: Callable[..., Pair] = apply_rotary_pos_emb, kv: int = H) -> None:
        super().__init__()
        self.q_proj = nn.Linear(WIDTH, H * D)
        self.k_proj = nn.Linear(WIDTH, kv * D)
        self.v_proj = nn.Linear(WIDTH, kv * D)
        self.o_proj = nn.Linear(WIDTH, WIDTH)
        self.rotate = rotate

    def heads(self, x: Tensor) -> list[Tensor]:
        projections = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        return [y.unflatten(-1, (-1, D)).transpose(1, 2) for y in projections]

    def forward(self, x: Tensor, position_embeddings: Pair) -> Tensor:
        q, k, v = self.heads(x)
        q, k = self.rotate(q, k, *position_embeddings)
        return self.o_proj(attend(q, k, v))


class TwiceAttention(HalfAttention):
    """Turns q by two calls."""

    def forward(self, x: Tensor, position_embeddings: Pair) -> Tensor:
        q, k, v = self.heads(x)
        q, k2 = self.rotate(q, k, *position_embeddings)
        q, _ = self.rotate(q, k, *position_embeddings)
        return self.o_proj(attend(q, k2, v))


class LostKeyAttention(HalfAttention):
    """Throws the turned k away."""

    def forward(self, x: Tensor, position_embeddings: Pair) -> Tensor:
        q, k, v = self.heads(x)
        q, _ = self.rotate(q, k, *position_embeddings)
        return self.o_proj(attend(q, k, v))


class LostBothAttention(HalfAttention):
    """Throws both away."""

    def forward(self, x: Tensor, position_embeddings: Pair) -> Tensor:
        q, k, v = self.heads(x)
        self.rotate(q, k, *position_embeddings)
        return self.o_proj(attend(q, k, v))


class TurnedValueAttention(HalfAttention):
    """Turns v with k."""

    def forward(self, x: Tensor, position_embeddings: Pair) -> Tensor:
        q, k, v = self.heads(x)
        q, k = self.rotate(q, k, *position_embeddings)
        _, v = self.rotate(q, v, *position_embeddings)
        return self.o_proj(attend(q, k, v))


def turn_one(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return x * cos.unsqueeze(1) + rotate_half(x) * sin.unsqueeze(1)


class OneKeyValueAttention(HalfAttention):
    """v is k, as in DeepSeek V4: `back` times the angle is turned in what comes out."""

    def __init__(self, back: int = -1) -> None:
        super().__init__()
        self.back = back

    def forward(self, x: Tensor, position_embeddings: Pair) -> Tensor:
        cos, sin = position_embeddings
        q, k, _ = self.heads(x)
        q, k = turn_one(q, cos, sin), turn_one(k, cos, sin)
        y = nn.functional.scaled_dot_product_attention(q, k, k, is_causal=True, enable_gqa=True)
        if self.back:
            y = turn_one(y, cos, self.back * sin)
        return self.o_proj(y.transpose(1, 2).flatten(-2))


class EagerAttention(HalfAttention):
    """An attention by softmax, and k repeated for each group of heads."""

    def forward(self, x: Tensor, position_embeddings: Pair) -> Tensor:
        q, k, v = self.heads(x)
        q, k = self.rotate(q, k, *position_embeddings)
        k, v = (y.repeat_interleave(H // y.shape[1], 1) for y in (k, v))
        scores = q @ k.transpose(2, 3) * D**-0.5
        mask = torch.full(scores.shape[-2:], -torch.inf).triu(1)
        weights = nn.functional.softmax(scores + mask, dim=-1, dtype=torch.float32).to(q.dtype)
        return self.o_proj((weights @ v).transpose(1, 2).flatten(-2))


class EagerLostKeyAttention(EagerAttention):
    """The same, with k as it was before."""

    def __init__(self) -> None:
        super().__init__(apply_and_lose_k, 2)


class NormAttention(HalfAttention):
    """Norms of q and k before they turn."""

    def __init__(self) -> None:
        super().__init__()
        self.q_norm, self.k_norm = nn.LayerNorm(D), nn.LayerNorm(D)

    def heads(self, x: Tensor) -> list[Tensor]:
        q, k, v = super().heads(x)
        return [self.q_norm(q), self.k_norm(k), v]


class ScaledAttention(HalfAttention):
    """q is divided by sqrt(D) before it turns, and not afterwards."""

    def forward(self, x: Tensor, position_embeddings: Pair) -> Tensor:
        q, k, v = self.heads(x)
        q, k = self.rotate(q * D**-0.5, k, *position_embeddings)
        y = nn.functional.scaled_dot_product_attention(q, k, v, scale=1.0)
        return self.o_proj(y.transpose(1, 2).flatten(-2))


class LateScaleAttention(HalfAttention):
    """q is divided by sqrt(D) after it turned."""

    def forward(self, x: Tensor, position_embeddings: Pair) -> Tensor:
        q, k, v = self.heads(x)
        q, k = self.rotate(q, k, *position_embeddings)
        weights = (q * D**-0.5 @ k.transpose(-1, -2)).softmax(-1)
        return self.o_proj((weights @ v).transpose(1, 2).flatten(-2))


class DetachedAttention(HalfAttention):
    """Cuts the gradient of k after it turned."""

    def forward(self, x: Tensor, position_embeddings: Pair) -> Tensor:
        q, k, v = self.heads(x)
        q, k = self.rotate(q, k, *position_embeddings)
        return self.o_proj(attend(q, k.detach(), v))


class PaddedAttention(HalfAttention):
    """The last rows of a shorter sequence are zero."""

    def heads(self, x: Tensor) -> list[Tensor]:
        rows = torch.arange(x.shape[1])[:, None]  # (S, 1)
        shown = (rows < torch.tensor([x.shape[1], 13])).T[:, None, :, None]  # (B, 1, S, 1)
        return [y * shown for y in super().heads(x)]


class StillAttention(HalfAttention):
    """A layer without positions."""

    def forward(self, x: Tensor, position_embeddings: Pair) -> Tensor:
        return self.o_proj(attend(*self.heads(x)))


class CacheAttention(HalfAttention):
    """Writes k and v to a cache of fixed size, and attends to what it holds.

    `early`: k is written before it turned.
    """

    def __init__(self, early: bool = False) -> None:
        super().__init__()
        self.early = early
        self.register_buffer("cache", torch.zeros(2, 2, H, 64, D), persistent=False)

    def forward(self, x: Tensor, position_embeddings: Pair) -> Tensor:
        q, k, v = self.heads(x)
        turned_q, turned_k = self.rotate(q, k, *position_embeddings)
        cache, length = self.cache.clone(), x.shape[1]
        cache[0, :, :, :length] = k if self.early else turned_k
        cache[1, :, :, :length] = v
        return self.o_proj(attend(turned_q, cache[0][:, :, :length], cache[1][:, :, :length]))


class HalfModel(Decoder):
    """A decoder that makes cos and sin once.

    Args:
        layers: its layers.
        rotary: what makes cos and sin; None: the usual one.
        first: the position of the first token.
    """

    def __init__(
        self, layers: list[nn.Module], rotary: nn.Module | None = None, first: int = 0
    ) -> None:
        super().__init__(layers)
        self.rotary_emb = rotary or RotaryEmbedding(inverse_frequencies())
        self.first = first

    def forward(self, input_ids: Tensor, position_ids: Tensor | None = None) -> Tensor:
        x = self.embed(input_ids)
        if position_ids is None:
            position_ids = torch.arange(input_ids.shape[1])[None] + self.first
        position_embeddings = self.rotary_emb(x, position_ids)
        for layer in self.layers:
            x = x + layer(x, position_embeddings)
        return self.head(x)


def _of(
    layer: Callable[..., nn.Module], *arguments: object, **options: object
) -> Callable[[], HalfModel]:
    return lambda: HalfModel([layer(*arguments)], **options)  # type: ignore[arg-type]


def _with_tables(
    *arguments: object, kind: type[RotaryEmbedding] = RotaryEmbedding
) -> Callable[[], HalfModel]:
    return lambda: HalfModel([HalfAttention()], kind(*arguments))  # type: ignore[arg-type]


def _still_every_fourth() -> HalfModel:
    return HalfModel([StillAttention() if i % 4 == 3 else HalfAttention() for i in range(4)])


MODELS = [
    PlantedModel("half", _of(HalfAttention)),
    PlantedModel("half-two-layers", lambda: HalfModel([HalfAttention(), HalfAttention()])),
    PlantedModel("half-own-positions", _of(HalfAttention), inputs=tokens_with_positions),
    PlantedModel("half-from-one", _of(HalfAttention, first=1)),
    PlantedModel("half-gqa", _of(HalfAttention, apply_rotary_pos_emb, 2)),
    PlantedModel("half-mqa-eager", _of(EagerAttention, apply_rotary_pos_emb, 1)),
    PlantedModel("half-norm", _of(NormAttention)),
    PlantedModel("half-zero-rows", _of(PaddedAttention)),
    PlantedModel("half-scale-before", _of(ScaledAttention)),
    PlantedModel("half-scale-after", _of(LateScaleAttention)),
    PlantedModel("half-backwards", _of(HalfAttention, apply_backwards)),
    PlantedModel("half-yarn-amplitude", _with_tables(inverse_frequencies(), 1.2079)),
    PlantedModel("half-theta-500000", _with_tables(inverse_frequencies(theta=500000.0))),
    PlantedModel("half-still-every-fourth", _still_every_fourth),
    PlantedModel("half-cache", _of(CacheAttention)),
    PlantedModel("half-q-twice", _of(TwiceAttention), "rotated-twice", "q"),
    PlantedModel("half-q-twice-in-one-call", _of(HalfAttention, apply_twice), "rotated-twice", "q rotates twice"),
    PlantedModel("half-both-twice", _of(HalfAttention, apply_both_twice), "rotated-twice", "twice"),
    PlantedModel("half-k-lost", _of(LostKeyAttention), "copy-dropped", "k as it was before"),
    PlantedModel("half-both-lost", _of(LostBothAttention), "copy-dropped", "before the rotation"),
    PlantedModel("half-k-lost-within", _of(EagerLostKeyAttention), "not-rotated", "k without rotation"),
    PlantedModel("half-one-kv", _of(OneKeyValueAttention)),
    PlantedModel("half-one-kv-not-back", _of(OneKeyValueAttention, 0), "v-rotated", "v"),
    PlantedModel("half-v-turned", _of(TurnedValueAttention), "v-rotated", "v"),
    PlantedModel("half-opposite", _of(HalfAttention, apply_to_opposite_sides), "q-and-k-differ", "opposite"),
    PlantedModel("half-two-pairings", _of(HalfAttention, apply_two_pairings), "q-and-k-differ", "paired"),
    PlantedModel("half-one-sign", _of(HalfAttention, apply_one_sign), "one-sign"),
    PlantedModel("half-no-sin", _of(HalfAttention, apply_without_sin), "imaginary-dropped"),
    PlantedModel("half-sin-first", _of(HalfAttention, apply_sin_first), "tables-swapped"),
    PlantedModel("half-other-tables", _of(HalfAttention, apply_every_two), "pairing-of-tables"),
    PlantedModel("half-new-values", _of(HalfAttention, apply_with_new_values), "aliasing"),
    PlantedModel("half-across-heads", _of(HalfAttention, apply_across_heads), "per-head", "axis 1"),
    PlantedModel("half-by-head", _of(HalfAttention, apply_by_head), "per-head"),
    PlantedModel("half-detached-within", _of(HalfAttention, apply_to_q_detached), "no-gradient", "k"),
    PlantedModel("half-no-grad", _of(HalfAttention, apply_without_gradient), "no-gradient", "q"),
    PlantedModel("half-detached-after", _of(DetachedAttention), "no-gradient", "k"),
    PlantedModel(
        "half-first-row", _with_tables(inverse_frequencies(), kind=FirstRowEmbedding),
        "first-of-batch", inputs=tokens_with_positions,
    ),
    PlantedModel("half-cache-early", _of(CacheAttention, True), "copy-dropped", "k as it was before"),
]  # fmt: skip
