"""Which two lanes of a head rotate together."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Pairing = Literal["half", "interleaved"]


def lanes(pairs: "Tensor", pairing: Pairing, blocks: int = 1) -> "Tensor":
    """Lay pairs (..., P, 2) out as lanes (..., 2P) in the order of the pairing, in each of so many blocks."""
    import torch

    if blocks > 1:
        return torch.cat([lanes(block, pairing) for block in pairs.chunk(blocks, -2)], -1)
    if pairing == "half":
        # (..., 2P): all first elements, then all second ones
        return torch.cat(pairs.unbind(-1), -1)
    return pairs.flatten(-2)  # (..., 2P): first, second, first, second


def pairs(lanes: "Tensor", pairing: Pairing, blocks: int = 1) -> "Tensor":
    """Read lanes (..., 2P) as pairs (..., P, 2); the inverse of `lanes`."""
    import torch

    if blocks > 1:
        return torch.cat([pairs(block, pairing) for block in lanes.chunk(blocks, -1)], -2)
    if pairing == "half":
        return torch.stack(lanes.chunk(2, -1), -1)  # (..., P, 2)
    return lanes.reshape(*lanes.shape[:-1], lanes.shape[-1] // 2, 2)  # (..., P, 2)
