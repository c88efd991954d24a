"""flashinfer: positions in int32."""

from typing import Any

from torch import Tensor

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.library import Library


def int32_positions(library: Library, device: str) -> Function:
    """The function, its positions cast to int32."""
    rotate = library.fetch()

    def apply(q: Tensor, k: Tensor, positions: Tensor) -> Any:
        return rotate(q, k, positions.int())

    return apply
