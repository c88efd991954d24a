"""A configuration that says one thing, and a model that does it, or another."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from planted.shell import WIDTH, D, Decoder, H, PlantedModel, attend, inverse_frequencies

Config = dict[str, Any]
PLAIN: Config = {
    "model_type": "llama", "rope_theta": 500000.0, "num_attention_heads": H, "hidden_size": WIDTH,
    "head_dim": D, "max_position_embeddings": 4096,
}  # fmt: skip
LINEAR = PLAIN | {"rope_scaling": {"rope_type": "linear", "factor": 4.0}}
PARTIAL = PLAIN | {"model_type": "stablelm", "partial_rotary_factor": 0.5}
YARN = PLAIN | {
    "rope_scaling": {
        "rope_type": "yarn", "factor": 16.0, "original_max_position_embeddings": 256,
    }
}  # fmt: skip
FIVE_LANES = PARTIAL | {"partial_rotary_factor": 5 / 16}
LLAMA3 = PLAIN | {
    "rope_scaling": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    }
}  # fmt: skip
STILL = PLAIN | {"model_type": "smollm3", "no_rope_layers": [1, 0], "num_hidden_layers": 2}
TYPES = ("sliding_attention", "full_attention")
TWO_TYPES: Config = {
    "model_type": "gemma3_text", "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0,
    "num_attention_heads": H, "hidden_size": WIDTH, "head_dim": D, "num_hidden_layers": 4,
    "layer_types": [*TYPES, *TYPES], "max_position_embeddings": 4096,
}  # fmt: skip


class Attention(nn.Module):
    """One layer, whose first lanes turn: as many as there are frequencies for."""

    def __init__(self, frequencies: Tensor, amplitude: float = 1.0) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.amplitude = amplitude

    def rotate(self, x: Tensor, position_ids: Tensor) -> Tensor:
        angles = (position_ids[..., None] * self.frequencies)[:, None]  # (B, 1, S, P)
        cos, sin = angles.cos() * self.amplitude, angles.sin() * self.amplitude
        lanes = 2 * self.frequencies.shape[-1]
        a, b = x[..., :lanes].chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin, x[..., lanes:]), -1)

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        return self.out(attend(self.rotate(q, position_ids), self.rotate(k, position_ids), v))


def llama3(factor: float = 8.0, low: float = 1.0, high: float = 4.0, original: int = 64) -> Tensor:
    """The frequencies of Llama 3.1, by its own code."""
    frequencies = inverse_frequencies(theta=500000.0)
    wavelength = 2 * torch.pi / frequencies
    smooth = (original / wavelength - low) / (high - low)
    between = (1 - smooth) * frequencies / factor + smooth * frequencies
    scaled = torch.where(wavelength > original / low, frequencies / factor, between)
    return torch.where(wavelength < original / high, frequencies, scaled)


def yarn(factor: float = 16.0, original: int = 256, theta: float = 500000.0) -> Tensor:
    """The frequencies of YaRN, between the pairs that turn 32 times and once."""

    def pair(turns: float) -> Tensor:
        return D * torch.log(torch.tensor(original / (turns * 2 * torch.pi))) / (
            2 * torch.log(torch.tensor(theta))
        )  # fmt: skip

    first, last = pair(32).floor().clamp(min=0), pair(1).ceil().clamp(max=D - 1)
    ramp = ((torch.arange(D // 2) - first) / (last - first)).clamp(0, 1)
    frequencies = inverse_frequencies(theta=theta)
    return frequencies / factor * ramp + frequencies * (1 - ramp)


def _of(*frequencies: Tensor, amplitude: float = 1.0) -> Callable[[], nn.Module]:
    """A decoder whose layers have these frequencies in turn: one, or four."""
    return lambda: Decoder(
        [
            Attention(frequencies[i % len(frequencies)], amplitude)
            for i in range(len(frequencies) ** 2)
        ]
    )


def _wrong(
    name: str, build: Callable[[], nn.Module], words: str, config: Mapping[str, Any]
) -> PlantedModel:
    return PlantedModel(f"config-{name}", build, "config", words, config=config)


def _right(name: str, build: Callable[[], nn.Module], config: Mapping[str, Any]) -> PlantedModel:
    return PlantedModel(f"config-{name}", build, config=config)


class StillAttention(Attention):
    """One layer that leaves q and k as they are."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        return self.out(attend(q, k, v))


def _one_still() -> nn.Module:
    return Decoder([Attention(THETA), StillAttention(THETA)])


def _all_turn() -> nn.Module:
    return Decoder([Attention(THETA), Attention(THETA)])


THETA = inverse_frequencies(theta=500000.0)
LOCAL, GLOBAL = inverse_frequencies(), inverse_frequencies(theta=1000000.0)
AMPLITUDE = 0.1 * 2.772588722239781 + 1  # of a factor of 16

MODELS = [
    _right("plain", _of(THETA), PLAIN),
    _right("linear", _of(THETA / 4), LINEAR),
    _right("partial", _of(inverse_frequencies(D // 2, 500000.0)), PARTIAL),
    _right("llama3", _of(llama3()), LLAMA3),
    _right("yarn", _of(yarn(), amplitude=AMPLITUDE), YARN),
    _right("part-at-rest", _of(THETA), PLAIN | {"depth_decoder_config": PLAIN | {"rope_theta": 10000.0}}),
    _right("two-types", _of(LOCAL, GLOBAL), TWO_TYPES),
    _right("still-layer", _one_still, STILL),
    _wrong("still-layer-turns", _all_turn, "layer 1 turns, and the configuration says that it does not", STILL),
    _wrong("theta-ignored", _of(inverse_frequencies()), "rope_theta is ignored", PLAIN),
    _wrong("exponent-halved", _of(500000.0 ** (-torch.arange(D // 2) / D)), "Plain(theta=707", PLAIN),
    _wrong("linear-ignored", _of(THETA), "rope_scaling is ignored", LINEAR),
    _wrong("linear-halved", _of(THETA / 2), "half of what rope_scaling.factor", LINEAR),
    _wrong("linear-squared", _of(THETA / 16), "the square of what rope_scaling.factor", LINEAR),
    _wrong("partial-ignored", _of(THETA), "partial_rotary_factor is ignored", PARTIAL),
    _wrong("odd-lanes", _of(inverse_frequencies(6, 500000.0)), "which are no pairs: 6 turn", FIVE_LANES),
    _wrong("partial-over-head", _of(THETA[: D // 4]), "exponents run over head_dim", PARTIAL),
    _wrong("llama3-ignored", _of(THETA), "rope_scaling is ignored", LLAMA3),
    _wrong("llama3-halved", _of(llama3(4.0)), "half of what rope_scaling.factor", LLAMA3),
    _wrong("llama3-linear", _of(THETA / 8), "computed as linear", LLAMA3),
    _wrong("yarn-amplitude-ignored", _of(yarn()), "attention factor of rope_scaling is missing", YARN),
    _wrong("yarn-amplitude-squared", _of(yarn(), amplitude=AMPLITUDE**2), "applied twice", YARN),
    _wrong("types-exchanged", _of(GLOBAL, LOCAL), "it turns as sliding_attention is declared to", TWO_TYPES),
    _wrong("types-alike", _of(GLOBAL, GLOBAL), "it turns as full_attention is declared to", TWO_TYPES),
]  # fmt: skip
