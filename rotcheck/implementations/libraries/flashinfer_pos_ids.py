"""flashinfer's `apply_rope_pos_ids`: a CUDA kernel that computes the angles of q and k (T, H, D) itself.

Written from the wheel of flashinfer-python 0.7.2, and not run: it needs a GPU.
"""

from typing import Any

from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations import third_party
from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import flashinfer

convention = Convention(
    pairing="half",
    layout="thd",
    tables="positions",
    arguments=("q", "k", "positions"),
    positions="any",
    position_axes="s",
)
no_gradient = flashinfer.no_gradient
skip = flashinfer.skip


def load(device: str) -> Function:
    """Return the function, its positions cast to int32."""
    flashinfer.FLASHINFER.check_installed()
    third_party.for_cuda(device)
    rotate = flashinfer.FLASHINFER.function(
        "flashinfer.rope:apply_rope_pos_ids", "q", "k", "pos_ids"
    )

    def apply(q: Tensor, k: Tensor, positions: Tensor) -> Any:
        return rotate(q, k, positions.int())

    return apply
