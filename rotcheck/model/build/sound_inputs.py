"""Sounds and series of numbers, as the models of transformers take them."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from rotcheck.model.build.plain_config import flat
from rotcheck.model.build.random_inputs import BATCH, LENGTH, normal

FRAMES, SAMPLES = 152, 7_680  # for 8 frames a token, 1920 samples a frame
CHANNELS = (80, 128)  # of a spectrum, where the configuration does not tell
Config = Mapping[str, Any]


def _sound(config: Config) -> dict[str, Any]:
    keys = ("audio_config", "encoder_config", "encoder")
    return flat(next((config[key] for key in keys if config.get(key)), config))


def features(config: Config) -> list[torch.Tensor]:
    """Spectra: frames by channels, and channels by frames."""
    sizes = _sound(config)
    keys = (
        "num_mel_bins",
        "input_feat_size",
        "feature_projection_input_dim",
        "feature_size",
        "mel_dim",
        "input_size",
    )
    counts = [sizes[key] for key in keys if key in sizes][:1]
    forms: list[torch.Tensor] = []
    for channels in counts or CHANNELS:
        forms += [
            normal(BATCH, FRAMES, channels),  # (B, T, M)
            normal(BATCH, channels, FRAMES),
            normal(channels, BATCH * FRAMES),  # all sounds in one, as `feature_lens` parts them
        ]
    return forms


def latents(config: Config) -> list[torch.Tensor]:
    """What a decoder of sounds is handed."""
    width = flat(config).get("hidden_size", 64)
    return [normal(BATCH, width, LENGTH), normal(BATCH, LENGTH, width)]


def waves(config: Config) -> list[torch.Tensor]:
    """Samples of sounds, without an axis of channels and with one."""
    return [normal(BATCH, SAMPLES), normal(BATCH, 1, SAMPLES)]


def series(config: Config) -> list[Any]:
    """Numbers over time."""
    return [list(normal(BATCH, 64)), normal(BATCH, 64)]


SOURCES: Mapping[str, Callable[[Config], list[Any]]] = {
    "input_features": features,
    "audio_mel": features,
    "audio_mel_mask": lambda _: [torch.zeros(BATCH, FRAMES, dtype=torch.bool)],  # True: padding
    "feature_lens": lambda _: [torch.full((BATCH,), FRAMES)],
    "latents": latents,
    "input_values": waves,
    "past_values": series,
}
