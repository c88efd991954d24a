"""The public call of NVIDIA/apex 17050e5."""

from simple import rotate
from torch import Tensor


def fused_apply_rotary_pos_emb(
    t: Tensor, freqs: Tensor, transpose_output_memory: bool = False
) -> Tensor:
    """Return t (S, B, H, D), rotated by angles (S, 1, 1, D)."""
    assert freqs.shape[1:3] == (1, 1)
    return rotate(t, freqs.chunk(2, -1)[0])
