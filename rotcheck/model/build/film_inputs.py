"""What a transformer of diffusers is given: noise, a text, a moment, and where each token is."""

from typing import Any

import torch

from rotcheck.model.build.random_inputs import BATCH, TARGET_LENGTH, normal

FRAMES, ROWS, COLUMNS = 3, 4, 6  # of patches
PATCHES = ROWS * COLUMNS
TOKENS = TARGET_LENGTH + PATCHES


def film(channels: int, side: int = 2, frames: int = FRAMES) -> torch.Tensor:
    """The noise of a film, of patches of `side` by `side`."""
    return normal(BATCH, channels, frames, ROWS * side, COLUMNS * side)  # (B, C, T, H, W)


def text(width: int) -> torch.Tensor:
    """A text as an encoder sees it."""
    return normal(BATCH, TARGET_LENGTH, width)  # (B, L, D)


def text_mask() -> torch.Tensor:
    """Every token of the text is one to look at."""
    return torch.ones(BATCH, TARGET_LENGTH, dtype=torch.bool)  # (B, L)


def moment() -> torch.Tensor:
    """The time of each row in the diffusion."""
    return torch.full((BATCH,), 0.5)  # (B,)


def grid(time: int = 0) -> torch.Tensor:
    """Time, row and column of each patch."""
    return torch.cartesian_prod(torch.tensor([time]), torch.arange(ROWS), torch.arange(COLUMNS))


def places() -> torch.Tensor:
    """The places of a text, the same on each axis, then those of an image."""
    words = torch.arange(TARGET_LENGTH)[:, None].repeat(1, 3)
    return torch.cat([words, grid(TARGET_LENGTH)])  # (L + N, 3)


def handed_tables(head_size: int, frames: int) -> Any:
    """Tables as a pipeline hands them over, made by diffusers itself: of a film, or of an image."""
    from diffusers.models import embeddings

    corners = ((0, 0), (ROWS, COLUMNS))
    if frames:
        return embeddings.get_3d_rotary_pos_embed(head_size, corners, (ROWS, COLUMNS), frames)
    return embeddings.get_2d_rotary_pos_embed(head_size, corners, (ROWS, COLUMNS))
