"""Images and videos, as the models of transformers take them."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from rotcheck.model.build.plain_config import flat
from rotcheck.model.build.random_inputs import BATCH, LENGTH, normal

GRIDS = frozenset({"grid_thw", "image_grid_thw"})
PATCHES = frozenset({"hidden_states", "pixel_values"})
ROWS, COLUMNS = 2, 3  # of merged patches
FRAMES = 4
Config = Mapping[str, Any]


def _vision(config: Config) -> dict[str, Any]:
    """The keys of the part that sees, or of the whole where that sees."""
    part = next(
        (config[key] for key in ("vision_config", "backbone_config") if config.get(key)), config
    )
    return flat(part)


def _number(value: Any) -> int:
    while isinstance(value, list | tuple):
        value = value[-1]
    return int(value)


def _patch(sizes: Config) -> int:
    return _number(
        next((sizes[key] for key in ("patch_size", "spatial_patch_size") if key in sizes), 16)
    )


def _channels(sizes: Config) -> int:
    keys = ("in_channels", "num_channels", "in_chans", "channels")
    return _number(next((sizes[key] for key in keys if key in sizes), 3))


def _merge(sizes: Config) -> int:
    keys = ("spatial_merge_size", "merge_size", "merge_kernel_size", "pooling_kernel_size")
    return _number(next((sizes[key] for key in keys if key in sizes), 2))


def images(config: Config) -> list[torch.Tensor]:
    """Images of few patches, of the size that the configuration names, and pairs of them."""
    sizes = _vision(config)
    patch, channels = _patch(sizes), _channels(sizes)
    few = normal(BATCH, channels, 4 * patch, 6 * patch)  # (B, C, H, W)
    side = sizes.get("image_size", 14 * patch)
    height, width = (side[0], side[-1]) if isinstance(side, list | tuple) else (side, side)
    whole = normal(BATCH, channels, _number(height), _number(width))
    pairs = normal(BATCH, 2, channels, 96, 128)  # (B, 2, C, H, W)
    return [few, whole, pairs, whole[:, None], *patches(config)]


def patches(config: Config) -> list[torch.Tensor]:
    """The patches of a batch of images in rows, flat or as small images."""
    sizes = _vision(config)
    patch, channels = _patch(sizes), _channels(sizes)
    times = _number(
        next((sizes[key] for key in ("temporal_patch_size", "patch_temporal") if key in sizes), 1)
    )
    count = BATCH * ROWS * COLUMNS * _merge(sizes) ** 2
    whole = _number(sizes.get("image_size", 14 * patch)) // patch
    return [
        normal(count, channels * times * patch * patch),  # (N, C*T*P*P)
        normal(count, channels, patch, patch),  # (N, C, P, P)
        normal(count, channels * patch * patch),
        normal(1, count, channels, patch, patch),
        normal(BATCH, count // BATCH, channels * patch * patch),
        normal(BATCH, whole * whole, channels * patch * patch),
    ]


def grids(config: Config) -> list[torch.Tensor]:
    """How many patches each image has: in time, in height and in width."""
    merge = _merge(_vision(config))
    grid = torch.tensor([[1, ROWS * merge, COLUMNS * merge]]).repeat(BATCH, 1)  # (B, 3)
    return [grid, grid[:, 1:]]


def merge_sizes(config: Config) -> list[torch.Tensor]:
    """How many patches of an image, in height and in width, become one."""
    return [torch.full((BATCH,), _merge(_vision(config)))]  # (B,)


def patch_positions(config: Config) -> list[torch.Tensor]:
    """The column and the row of each patch."""
    merge = _merge(_vision(config))
    rows, columns = torch.arange(ROWS * merge), torch.arange(COLUMNS * merge)
    positions = torch.cartesian_prod(rows, columns).flip(-1)  # (N, 2)
    return [positions.repeat(BATCH, 1, 1)]  # (B, N, 2)


def videos(config: Config) -> list[torch.Tensor]:
    """Videos of few frames, of the size that the configuration names."""
    sizes = _vision(config)
    side = _number(sizes.get("image_size", sizes.get("crop_size", 8 * _patch(sizes))))
    return [normal(BATCH, FRAMES, _channels(sizes), side, side)]  # (B, T, C, H, W)


def image_masks(_: Config) -> list[torch.Tensor]:
    """Each token may look at the one image."""
    return [torch.ones(BATCH, LENGTH, 1, dtype=torch.long)]  # (B, S, N)


SOURCES: Mapping[str, Callable[[Config], list[Any]]] = {
    "pixel_values": images,
    "pixel_values_videos": videos,
    "grid_thw": grids,
    "merge_sizes": merge_sizes,
    "pixel_position_ids": patch_positions,
    "image_grid_thw": grids,
    "image_attention_mask": image_masks,
}
