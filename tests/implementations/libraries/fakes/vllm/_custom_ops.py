"""The public call of vLLM 0.33.0."""

from simple import by_table
from torch import Tensor


def rotary_embedding(
    positions: Tensor,
    query: Tensor,
    key: Tensor | None,
    head_size: int,
    cos_sin_cache: Tensor,
    is_neox: bool,
    rope_dim_offset: int = 0,
    inverse: bool = False,
) -> None:
    """Write into query and key (T, H*D)."""
    assert is_neox
    assert cos_sin_cache.dtype == query.dtype
    for x in (query, key):
        if x is not None:
            x.copy_(by_table(positions, x, head_size, cos_sin_cache))
