"""Which two lanes of a head rotate together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

Pairing = Literal["half", "interleaved"]
OutputLanes = Literal["same", "de-interleaved", "interleaved"]
P = TypeVar("P", bound=str | None)


@dataclass(frozen=True)
class LaneOrder:
    """An order of the lanes of pairs, in words and as expressions of `{0}`,
    a tensor whose last axis is lanes."""

    words: str  # of a table that has each pair's value twice
    once: str  # each pair's value once, of such a table
    twice: str  # such a table, of each pair's value
    chain: str  # put behind a tensor with lanes of the other order to give it this one


ORDERS: dict[str, LaneOrder] = {
    "half": LaneOrder(
        words="cat(f, f)",
        once="{0}[..., : {0}.shape[-1] // 2]",
        twice="torch.cat(({0}, {0}), -1)",
        chain=".unflatten(-1, (-1, 2)).transpose(-1, -2).flatten(-2)",
    ),
    "interleaved": LaneOrder(
        words="each value twice",
        once="{0}[..., ::2]",
        twice="{0}.repeat_interleave(2, -1)",
        chain=".unflatten(-1, (2, -1)).transpose(-1, -2).flatten(-2)",
    ),
}
"""The order in which each pairing has its lanes."""


def order_words(order: str | None, before: str = "") -> str:
    """How a table has each pair's value twice, behind some text;
    nothing of a table that has it once."""
    return before + ORDERS[order].words if order else ""


def written_order(output_lanes: str, pairing: P) -> P | Pairing:
    """In which order of lanes the pairs of a result lie."""
    if output_lanes == "same":
        return pairing
    return "half" if output_lanes == "de-interleaved" else "interleaved"


def once(table: "Tensor", order: str | None) -> "Tensor":
    """Each pair's value (..., P) once, of a table that has it twice in this order;
    None: the table itself."""
    if order == "half":
        return table[..., : table.shape[-1] // 2]
    return table[..., ::2] if order == "interleaved" else table


def lanes(pairs: "Tensor", pairing: Pairing, blocks: int = 1) -> "Tensor":
    """Lay pairs (..., P, 2) out as lanes (..., 2P) in the order of the pairing,
    in each of so many blocks."""
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
