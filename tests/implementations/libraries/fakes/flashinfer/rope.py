"""The public calls of flashinfer-python 0.7.2."""

import torch
from simple import angles_of, by_table, rotate
from torch import Tensor


def apply_rope_with_cos_sin_cache(
    positions: Tensor,
    query: Tensor,
    key: Tensor,
    head_size: int,
    cos_sin_cache: Tensor,
    is_neox: bool = True,
) -> tuple[Tensor, Tensor]:
    """Return query and key (T, H*D), rotated."""
    if cos_sin_cache.dtype != torch.float32:
        raise ValueError("cos_sin_cache should be float32")
    assert is_neox
    return tuple(by_table(positions, x, head_size, cos_sin_cache) for x in (query, key))


def apply_rope_pos_ids(
    q: Tensor,
    k: Tensor,
    pos_ids: Tensor,
    rotary_dim: int | None = None,
    interleave: bool = False,
    rope_scale: float = 1,
    rope_theta: float = 1e4,
) -> tuple[Tensor, Tensor]:
    """Return q and k (T, H, D), rotated."""
    assert pos_ids.dtype == torch.int32
    assert not interleave
    return tuple(rotate(x, angles_of(pos_ids, x.shape[-1], rope_theta)) for x in (q, k))
