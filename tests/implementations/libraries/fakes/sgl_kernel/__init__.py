"""The public call of sgl-kernel 0.3.21."""

from typing import Any

import torch
from simple import by_table
from torch import Tensor


def apply_rope_with_cos_sin_cache_inplace(
    positions: Tensor,
    query: Tensor,
    key: Tensor,
    head_size: int,
    cos_sin_cache: Tensor,
    is_neox: bool = True,
    fused_set_kv_buffer_arg: Any = None,
    enable_pdl: bool | None = None,
) -> None:
    """Write into query and key (T, H*D)."""
    if cos_sin_cache.dtype != torch.float32:
        raise ValueError("cos_sin_cache should be float32")
    assert is_neox
    for x in (query, key):
        x.copy_(by_table(positions, x, head_size, cos_sin_cache))
