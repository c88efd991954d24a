"""Kernels whose table is float32 whatever q is: flashinfer's and SGLang's."""

from typing import Any

from torch import Tensor

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.library import Library


def cast(library: Library, device: str) -> Function:
    """The function, its table cast to float32."""
    rotate = library.fetch()

    def apply(
        positions: Tensor, q: Tensor, k: Tensor, head_dim: int, table: Tensor, neox: bool
    ) -> Any:
        return rotate(positions, q, k, head_dim, table.float(), neox)

    return apply
