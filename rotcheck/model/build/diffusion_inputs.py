"""Calls of a transformer of diffusers to try: noise, a text as its encoder sees it, a moment."""

import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from rotcheck.model.build import diffusion_calls, film_calls
from rotcheck.model.build.build_error import BuildError
from rotcheck.model.build.film_inputs import COLUMNS, FRAMES, ROWS
from rotcheck.model.build.random_inputs import BATCH, TARGET_LENGTH, normal

MOST = 80
_TEXT = re.compile(
    r"(joint|cross|text|caption|cap_feat|context|llm|cond|encoder)\w*(dim|channels|size)$"
)
_TABLE_MAKER = re.compile(r"(^|\.)(rope|rotary|pos_embed$|rope_embedder|rotary_emb)")
Config = Mapping[str, Any]
CALLS = {
    **diffusion_calls.CALLS,
    **film_calls.CALLS,
}  # of classes whose inputs depend on each other


def calls(module: torch.nn.Module, config: Config) -> Iterator[Mapping[str, Any]]:
    """The call that is written for a class; otherwise calls with all inputs that are known, then
    with those only that have no default.

    Raises `BuildError` where a parameter without a default is not known.
    """
    own = CALLS.get(type(module).__name__)
    if own:
        yield own(config)
        return
    parameters = inspect.signature(module.forward).parameters
    unknown = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and name not in SOURCES
    ]
    if unknown:
        raise BuildError(f"no value is known for its {', '.join(unknown)}")
    makes_tables = any(_TABLE_MAKER.search(name) for name, _ in module.named_modules())
    without = {"image_rotary_emb"} if makes_tables else set()
    known = [name for name in parameters if name in SOURCES and name not in without]
    necessary = [name for name in known if parameters[name].default is inspect.Parameter.empty]
    usual = [name for name in USUAL if name in known]
    for names in (known, [*dict.fromkeys([*necessary, *usual])], necessary):
        backwards = [*reversed(names)]  # what is noisy comes first, and changes with each call
        values = [SOURCES[name](config) for name in backwards]
        for choice in itertools.islice(itertools.product(*values), MOST):
            call = dict(zip(backwards, choice))
            yield {name: call[name] for name in names}


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
    stack = config.get("num_text_layers")  # layers of an encoder side by side
    bundles = [*(config.get("injection_layer_ids") or ()), 0]
    forms = [normal(BATCH, TARGET_LENGTH, width) for width in dict.fromkeys(widths)]  # (B, L, D)
    if stack:
        return [x[:, :, None].repeat(1, 1, stack, 1) for x in forms]  # (B, L, K, D)
    return [x[:, None].repeat(1, len(bundles), 1, 1) for x in forms] if len(bundles) > 1 else forms


def moments(_: Config) -> list[torch.Tensor]:
    """The time of each row in the diffusion."""
    whole = [torch.full((BATCH,), 0.5), torch.full((BATCH,), 500)]  # (B,)
    return [*whole, torch.full((BATCH, FRAMES), 0.5)]  # (B, T): of each frame


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


def empty_padding(config: Config) -> list[torch.Tensor]:
    """Nothing of an image is padding."""
    patch = _number(config, "patch_size", otherwise=1)
    return [torch.zeros(1, 1, ROWS * patch, COLUMNS * patch)]  # (1, 1, H, W)


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


def places(config: Config) -> list[torch.Tensor]:
    """The places of the text, then of the patches of an image."""
    whole = torch.cat([text_places(config)[0], image_places(config)[0]])  # (L + N, A)
    return [whole, whole.repeat(BATCH, 1, 1)]


def wholes(config: Config) -> list[torch.Tensor]:
    """One vector for the whole of something, of each width that the configuration may mean."""
    widths = [size for key, size in config.items() if re.search(r"global\w*dim$", key) and size]
    return [x for width in widths for x in (normal(BATCH, width), normal(BATCH, 1, width))]


def tables_of_half(config: Config) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Tables for the first half of the lanes, of patches in a row and one place before them."""
    from diffusers.models.embeddings import get_1d_rotary_pos_embed

    size = _number(config, "attention_head_dim", otherwise=64) // 2
    counts = (ROWS * COLUMNS + 1, ROWS * COLUMNS)
    return [
        get_1d_rotary_pos_embed(size, count, use_real=True, repeat_interleave_real=False)
        for count in counts
    ]


SOURCES: Mapping[str, Callable[[Config], list[Any]]] = {
    "hidden_states": noise,
    "encoder_hidden_states": texts,
    "timestep": moments,
    "r_timestep": moments,
    "timestep_r": moments,
    "timesteps": moments,
    "t": moments,
    "x": lambda config: [list(noise(config)[1][:, :, None])],
    "cap_feats": lambda config: [list(text) for text in texts(config)],
    "text_bth": texts,
    "text_lens": lambda _: [torch.full((BATCH,), TARGET_LENGTH)],
    "encoder_mask": text_masks,
    "original_size": lambda _: [torch.tensor([[64.0, 96.0]]).repeat(BATCH, 1)],
    "target_size": lambda _: [torch.tensor([[64.0, 96.0]]).repeat(BATCH, 1)],
    "crop_coords": lambda _: [torch.zeros(BATCH, 2)],
    "prior_token_id": lambda _: [torch.arange(ROWS * COLUMNS).repeat(BATCH, 1)],
    "prior_token_drop": lambda _: [torch.zeros(BATCH, ROWS * COLUMNS, dtype=torch.bool)],
    "visual_rope_pos": lambda _: [[torch.arange(size) for size in (FRAMES, ROWS, COLUMNS)]],
    "text_rope_pos": lambda _: [torch.arange(TARGET_LENGTH)],
    "position_ids": places,
    "global_hidden_states": wholes,
    "rotary_embedding": tables_of_half,
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
    "padding_mask": empty_padding,
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
