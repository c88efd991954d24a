"""Calls of a transformer of diffusers to try: noise, a text as its encoder sees it, a moment."""

import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from rotcheck.model.build.random_inputs import BATCH, TARGET_LENGTH, normal

FRAMES, ROWS, COLUMNS = 3, 4, 6  # of patches
MOST = 40
_TEXT = re.compile(
    r"(joint|cross|text|caption|cap_feat|context|llm|cond|encoder)\w*(dim|channels|size)$"
)
Config = Mapping[str, Any]


def calls(module: torch.nn.Module, config: Config) -> Iterator[Mapping[str, Any]]:
    """Calls with all inputs that are known, then with those only that have no default."""
    parameters = inspect.signature(module.forward).parameters
    known = [name for name in parameters if name in SOURCES]
    necessary = [name for name in known if parameters[name].default is inspect.Parameter.empty]
    usual = [name for name in USUAL if name in known]
    for names in (known, [*dict.fromkeys([*necessary, *usual])], necessary):
        values = [SOURCES[name](config) for name in names]
        for choice in itertools.islice(itertools.product(*values), MOST):
            yield dict(zip(names, choice))


def _number(config: Config, *keys: str, otherwise: int) -> int:
    value = next((config[key] for key in keys if config.get(key)), otherwise)
    while isinstance(value, list | tuple):
        value = value[-1]
    return int(value)


def noise(config: Config) -> list[torch.Tensor]:
    """Patches in a row, images and videos of as many patches."""
    channels = _number(config, "in_channels", "latent_channels", "in_dim", otherwise=16)
    patch = _number(config, "patch_size", otherwise=1)
    sizes = config.get("patch_size")
    patch_time = sizes[0] if isinstance(sizes, list) else 1
    patch_time = _number(config, "patch_size_t", otherwise=patch_time)
    times, height, width = FRAMES * patch_time, ROWS * patch, COLUMNS * patch
    return [
        normal(BATCH, ROWS * COLUMNS, channels),  # (B, N, C)
        normal(BATCH, channels, height, width),  # (B, C, H, W)
        normal(BATCH, channels, times, height, width),  # (B, C, T, H, W)
        normal(BATCH, times, channels, height, width),  # (B, T, C, H, W)
        normal(BATCH, FRAMES * ROWS * COLUMNS, channels),
    ]


def texts(config: Config) -> list[torch.Tensor]:
    """A text as an encoder sees it, for each width that the configuration may mean."""
    widths = [
        size
        for key, size in config.items()
        if _TEXT.search(key) and isinstance(size, int) and size > 1
    ]
    return [normal(BATCH, TARGET_LENGTH, width) for width in dict.fromkeys(widths)]  # (B, L, D)


def moments(_: Config) -> list[torch.Tensor]:
    """The time of each row in the diffusion."""
    return [torch.full((BATCH,), 0.5), torch.full((BATCH,), 500)]  # (B,)


def pooled_texts(config: Config) -> list[torch.Tensor]:
    """One vector for the whole text."""
    return [normal(BATCH, _number(config, "pooled_projection_dim", otherwise=768))]


def text_masks(_: Config) -> list[torch.Tensor]:
    """Every token of the text is one to look at."""
    return [torch.ones(BATCH, TARGET_LENGTH, dtype=torch.bool), torch.ones(BATCH, TARGET_LENGTH)]


def _axes(config: Config) -> int:
    dims = next(
        (config[key] for key in ("axes_dims_rope", "axes_dim", "axes_dims") if config.get(key)),
        [0] * 3,
    )
    return len(dims)


def image_places(config: Config) -> list[torch.Tensor]:
    """Row and column of each patch, the last two of the axes."""
    places = torch.cartesian_prod(torch.arange(ROWS), torch.arange(COLUMNS)).float()
    first = torch.zeros(len(places), _axes(config) - 2)
    grid = torch.cat([first, places], 1)  # (N, A)
    return [grid, grid.repeat(BATCH, 1, 1)]


def text_places(config: Config) -> list[torch.Tensor]:
    """The places of the text, which has none on these axes."""
    places = torch.zeros(TARGET_LENGTH, _axes(config))
    return [places, places.repeat(BATCH, 1, 1)]


def rotary_tables(config: Config) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Tables as a pipeline hands them over, made by diffusers itself."""
    from diffusers.models.embeddings import get_1d_rotary_pos_embed

    size = _number(config, "attention_head_dim", otherwise=64)
    counts = (ROWS * COLUMNS, FRAMES * ROWS * COLUMNS)
    return [get_1d_rotary_pos_embed(size, count, use_real=True) for count in counts]


SOURCES: Mapping[str, Callable[[Config], list[Any]]] = {
    "hidden_states": noise,
    "encoder_hidden_states": texts,
    "timestep": moments,
    "r_timestep": moments,
    "pooled_projections": pooled_texts,
    "guidance": lambda config: (
        [torch.full((BATCH,), 3.5)] if config.get("guidance_embeds") else [None]
    ),
    "img_ids": image_places,
    "txt_ids": text_places,
    "image_rotary_emb": rotary_tables,
    "encoder_attention_mask": text_masks,
    "encoder_hidden_states_mask": text_masks,
    "img_shapes": lambda _: [[[(1, ROWS, COLUMNS)]] * BATCH],
    "txt_seq_lens": lambda _: [[TARGET_LENGTH] * BATCH],
    "num_frames": lambda _: [FRAMES],
    "height": lambda _: [ROWS],
    "width": lambda _: [COLUMNS],
}
USUAL = (
    "hidden_states",
    "encoder_hidden_states",
    "timestep",
    "img_ids",
    "txt_ids",
    "image_rotary_emb",
)
