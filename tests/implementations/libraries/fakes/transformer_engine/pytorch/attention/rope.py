"""The public call of transformer-engine 2.20.2."""

from simple import rotate
from torch import Tensor


def apply_rotary_pos_emb(
    t: Tensor,
    freqs: Tensor,
    tensor_format: str = "sbhd",
    start_positions: Tensor | None = None,
    interleaved: bool = False,
    fused: bool = False,
    cu_seqlens: Tensor | None = None,
    cp_size: int = 1,
    cp_rank: int = 0,
) -> Tensor:
    """Return t (S, B, H, D), rotated by angles (S, 1, 1, D)."""
    assert fused
    assert (tensor_format, interleaved) == ("sbhd", False)
    assert freqs.shape[1:3] == (1, 1)
    return rotate(t, freqs.chunk(2, -1)[0])
