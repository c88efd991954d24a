"""The scores of an attention: a sink beside them, and the attention factor in their scale."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from planted.config_models import AMPLITUDE, PLAIN, YARN, Attention, yarn
from planted.half_models import apply_rotary_pos_emb
from planted.shell import WIDTH, D, H, PlantedModel, decoder, inverse_frequencies

Pair = tuple[Tensor, Tensor]
DEEP_SEEK = PLAIN | {
    "model_type": "deepseek_v3", "qk_rope_head_dim": D, "qk_nope_head_dim": 0,
    "rope_scaling": YARN["rope_scaling"] | {"mscale": 1.0, "mscale_all_dim": 1.0},
}  # fmt: skip


class SinkAttention(nn.Module):
    """A softmax over the scores and a sink for each head, as in gpt-oss."""

    def __init__(self, is_first: bool = False) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.sinks = nn.Parameter(torch.randn(H))
        self.is_first = is_first

    def turn(self, q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
        return apply_rotary_pos_emb(q, k, cos, sin)

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        angles = (position_ids[..., None] * inverse_frequencies()).repeat(1, 1, 2)  # (B, S, D)
        q, k = self.turn(q, k, angles.cos(), angles.sin())
        scores = q @ k.mT * D**-0.5 + torch.full((q.shape[-2],) * 2, -torch.inf).triu(1)
        sinks = self.sinks.reshape(1, -1, 1, 1).expand(*q.shape[:-1], 1)  # (B, H, S, 1)
        scores = torch.cat((sinks, scores) if self.is_first else (scores, sinks), -1)
        scores = scores - scores.max(-1, keepdim=True).values
        weights = scores.softmax(-1)
        weights = weights[..., 1:] if self.is_first else weights[..., :-1]
        return self.out((weights @ v).transpose(1, 2).flatten(-2))


class LostKeySinkAttention(SinkAttention):
    def turn(self, q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Pair:
        return super().turn(q, k, cos, sin)[0], k


class ScaledAttention(Attention):
    """Scales its scores by a factor of its own."""

    def __init__(self, amplitude: float, factor: float, is_eager: bool = False) -> None:
        super().__init__(yarn(), amplitude)
        self.scale, self.is_eager = factor * D**-0.5, is_eager

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        q, k = self.rotate(q, position_ids), self.rotate(k, position_ids)
        if self.is_eager:
            mask = torch.full((q.shape[-2],) * 2, -1e4).triu(1)
            y = (q @ k.mT * self.scale + mask).softmax(-1) @ v
        else:
            y = nn.functional.scaled_dot_product_attention(
                q, k, v, is_causal=True, scale=self.scale
            )
        return self.out(y.transpose(1, 2).flatten(-2))


class CappedAttention(ScaledAttention):
    """Caps its scores, as Gemma 2 does: they are no products times one factor."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        q, k = self.rotate(q, position_ids), self.rotate(k, position_ids)
        scores = torch.tanh(q @ k.mT * self.scale) * AMPLITUDE**2
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).flatten(-2))


def _of(amplitude: float, factor: float, is_eager: bool = False) -> Callable[[], nn.Module]:
    return decoder(lambda: ScaledAttention(amplitude, factor, is_eager))


ONCE, TWICE, FOUR = AMPLITUDE, AMPLITUDE**2, AMPLITUDE**4
MODELS = [
    PlantedModel("sink-last", decoder(SinkAttention)),
    PlantedModel("sink-first", decoder(lambda: SinkAttention(is_first=True))),
    PlantedModel("sink-k-lost", decoder(LostKeySinkAttention), "not-rotated", "k without rotation"),
    PlantedModel("scores-plain", _of(ONCE, 1.0, is_eager=True), config=YARN),
    PlantedModel("scores-of-a-width", _of(ONCE, (D / 168) ** 0.5), config=YARN),
    PlantedModel("scores-instead", _of(1.0, TWICE), config=YARN),
    PlantedModel("scores-instead-eager", _of(1.0, TWICE, is_eager=True), config=YARN),
    PlantedModel("scores-capped", decoder(lambda: CappedAttention(ONCE, 1.0)), config=YARN),
    PlantedModel("scores-deepseek", _of(1.0, TWICE), config=DEEP_SEEK),
    PlantedModel(
        "scores-others-deepseek", _of(1.0, 1.0), config=DEEP_SEEK | {"model_type": "ministral3"}
    ),
    PlantedModel("scores-twice", _of(ONCE, TWICE), "config", "is applied twice", config=YARN),
    PlantedModel("scores-twice-eager", _of(ONCE, TWICE, True), "config", "is applied twice", config=YARN),
    PlantedModel("scores-once-more", _of(ONCE, ONCE), "config", "is applied twice", config=YARN),
    PlantedModel("scores-neither", _of(1.0, 1.0), "config", "unless the scores", config=YARN),
    PlantedModel("scores-deepseek-none", _of(1.0, 1.0), "config", "are not scaled by", config=DEEP_SEEK),
    PlantedModel("scores-deepseek-twice", _of(1.0, FOUR), "config", "twice what", config=DEEP_SEEK),
]  # fmt: skip
