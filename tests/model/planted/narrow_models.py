"""The same in bfloat16, whose values come again by chance: what enters is still told apart."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from planted.complex_models import (
    ComplexAttention,
    ComplexModel,
    apply_only_to_q,
    apply_rotary_emb,
    precompute_freqs_cis,
)
from planted.config_models import AMPLITUDE, YARN, yarn
from planted.half_models import (
    HalfAttention,
    HalfModel,
    LostKeyAttention,
    NormAttention,
    Pair,
    RotaryEmbedding,
    TurnedValueAttention,
    TwiceAttention,
    apply_to_opposite_sides,
)
from planted.latent_models import LatentAttention, LostLatentAttention
from planted.packed_models import PackedAttention, turn_q_alone
from planted.shell import PlantedModel, decoder, inverse_frequencies, tokens


def _narrow(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: build().bfloat16()


def _half(layer: Callable[..., nn.Module], *arguments: object) -> Callable[[], nn.Module]:
    return _with_tables(lambda: HalfModel([layer(*arguments)]))


def _yarn(amplitude: float) -> Callable[[], nn.Module]:
    return _with_tables(lambda: HalfModel([HalfAttention()], RotaryEmbedding(yarn(), amplitude)))


def _with_tables(make: Callable[[], HalfModel]) -> Callable[[], nn.Module]:
    """cos and sin are made in float32, and then cast."""

    def build() -> nn.Module:
        model = make()
        frequencies = model.rotary_emb.inv_freq
        model.bfloat16()
        model.rotary_emb.inv_freq = frequencies
        return model

    return build


def _with_buffer() -> nn.Module:
    """Its frequencies are cast with it."""
    return HalfModel([HalfAttention()], RotaryEmbedding(inverse_frequencies(theta=100.0)))


class PeriodEmbedding(RotaryEmbedding):
    """Divides positions by what is in its buffer."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Pair:
        angles = position_ids[..., None].float() / self.inv_freq.float()  # (B, S, D / 2)
        angles = torch.cat((angles, angles), -1)
        return angles.cos().to(x.dtype), angles.sin().to(x.dtype)


def _many() -> dict[str, Any]:
    return tokens(200)


def _with_periods() -> nn.Module:
    return HalfModel([HalfAttention()], PeriodEmbedding(1 / inverse_frequencies()))


def _complex(rotate: Callable[..., object]) -> Callable[[], nn.Module]:
    return _narrow(lambda: ComplexModel([ComplexAttention(rotate)], precompute_freqs_cis))


MODELS = [
    PlantedModel("narrow-half", _half(HalfAttention)),
    PlantedModel("narrow-norm", _half(NormAttention)),
    PlantedModel("narrow-complex", _complex(apply_rotary_emb)),
    PlantedModel("narrow-packed", _narrow(decoder(PackedAttention))),
    PlantedModel("narrow-latent", _narrow(decoder(LatentAttention))),
    PlantedModel("narrow-half-yarn", _yarn(AMPLITUDE), config=YARN),
    PlantedModel("narrow-half-yarn-squared", _yarn(AMPLITUDE**2), "config", "applied twice", config=YARN),
    PlantedModel("narrow-half-frequencies", _narrow(_with_buffer), "phase-rounded", "rounded to less than float32"),
    PlantedModel("narrow-half-periods", _narrow(_with_periods), "phase-rounded", "divided by was rounded", _many),
    PlantedModel("narrow-half-k-lost", _half(LostKeyAttention), "copy-dropped", "k as it was before"),
    PlantedModel("narrow-half-v-turned", _half(TurnedValueAttention), "v-rotated", "v"),
    PlantedModel("narrow-half-q-twice", _half(TwiceAttention), "rotated-twice", "q"),
    PlantedModel("narrow-half-opposite", _half(HalfAttention, apply_to_opposite_sides), "q-and-k-differ", "opposite"),
    PlantedModel("narrow-complex-k-not", _complex(apply_only_to_q), "not-rotated", "k"),
    PlantedModel("narrow-packed-q-alone", _narrow(decoder(lambda: PackedAttention(turn_q_alone))), "not-rotated"),
    PlantedModel("narrow-latent-k-lost", _narrow(decoder(LostLatentAttention)), "copy-dropped", "k as it was before"),
]  # fmt: skip
