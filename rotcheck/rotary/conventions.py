"""What an implementation does by design, in the field's words: reported, never called wrong."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Pairing = Literal["half", "interleaved"]
Layout = Literal["bshd", "bhsd", "sbhd", "thd", "qkv"]
TableForm = Literal["half-width", "repeated", "packed", "complex", "matrix", "angles", "positions"]


@dataclass(frozen=True, slots=True)
class Convention:
    """How an implementation wants its tensors and tables, and what it does with them.

    `pairing`: `half` rotates lane i with i + D/2 (GPT-NeoX, Llama in transformers), `interleaved` 2i with
    2i + 1 (GPT-J, Meta's Llama). `layout`: `bshd` is one tensor (B, S, H, D), `qkv` a packed (B, S, 3, H, D)
    whose V slot must come back as it went in. `tables`: see `rotcheck.rotary.tables`. `in_place`: the
    result is written into the input. `takes_offset`: the function takes `offset=k`, the table's row of the
    first position, as decoding with a cache needs.
    """

    pairing: Pairing
    layout: Layout
    tables: TableForm
    in_place: bool = False
    takes_offset: bool = False


def lanes(pairs: Tensor, pairing: Pairing) -> Tensor:
    """Lay pairs (..., P, 2) out as lanes (..., 2P) in the order of the pairing."""
    if pairing == "half":
        return torch.cat(pairs.unbind(-1), -1)  # (..., 2P): all first elements, then all second ones
    return pairs.flatten(-2)  # (..., 2P): first, second, first, second


def pairs(lanes: Tensor, pairing: Pairing) -> Tensor:
    """Read lanes (..., 2P) as pairs (..., P, 2); the inverse of `lanes`."""
    if pairing == "half":
        return torch.stack(lanes.chunk(2, -1), -1)  # (..., P, 2)
    return lanes.reshape(*lanes.shape[:-1], -1, 2)  # (..., P, 2)
