"""A tensor turned in another way than the model turns it."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import OutputLanes, Pairing
from rotcheck.convention.pairings import written_order
from rotcheck.witness.turning import pairs_of

CLOSE = 1e-4  # radians: angles that differ by less are those of one turn


@dataclass(frozen=True, slots=True)
class NewTurn:
    """How a tensor is turned: which lanes of it form pairs, and by which angles they turn.

    `start`, `width`, `blocks`: as of a `Turn`. `still`: along which axis, and where, nothing turns.
    """

    pairing: Pairing
    output_lanes: OutputLanes
    start: int
    width: int
    blocks: int
    amplitude: float
    positions: Tensor  # (S,), float64
    frequencies: Tensor  # (P,), radians a position, signed by the direction
    axis: int  # of the sequence, counted from the front
    still: tuple[int, tuple[int, ...]] | None = None

    def but(self, **fields: Any) -> "NewTurn":
        """The same with some fields changed."""
        return replace(self, **fields)

    def is_like(self, turn: "NewTurn") -> bool:
        """Whether both turn alike, so far as a dtype could tell."""
        fields = ("pairing", "output_lanes", "start", "width", "blocks")
        if any(getattr(self, name) != getattr(turn, name) for name in fields):
            return False
        close = abs(self.amplitude - turn.amplitude) < 1e-6
        off = (self._angles() - turn._angles()).abs().max()
        return close and bool(off < CLOSE)

    def of(self, x: Tensor) -> Tensor:
        """A tensor (..., D), complex or not, turned; in its own dtype."""
        lanes = torch.view_as_real(x).flatten(-2) if x.is_complex() else x  # (..., D)
        region = slice(self.start, self.start + self.width * self.blocks)
        pairs = pairs_of(lanes[..., region].float(), self.pairing, self.blocks)  # (..., P)
        turns = torch.polar(torch.ones(()).double(), self._angles()).to(pairs)  # (S, P)
        shape = [1] * pairs.dim()
        shape[self.axis], shape[-1] = turns.shape
        pairs = self.amplitude * pairs * turns.reshape(shape)
        result = lanes.clone()
        order = written_order(self.output_lanes, self.pairing)
        result[..., region] = lanes_of(pairs, order, self.blocks).to(lanes.dtype)
        if self.still is not None:
            axis, places = self.still
            index = torch.tensor(places, device=x.device)
            result.index_copy_(axis, index, lanes.index_select(axis, index))
        if x.is_complex():
            return torch.view_as_complex(result.reshape(*x.shape, 2))
        return result

    def _angles(self) -> Tensor:
        return self.positions[:, None] * self.frequencies  # (S, P)


def lanes_of(pairs: Tensor, pairing: str, blocks: int) -> Tensor:
    """Complex numbers (..., blocks * W / 2) as pairs of lanes (..., blocks * W)."""
    parts = pairs.reshape(*pairs.shape[:-1], blocks, -1)  # (..., blocks, W / 2)
    if pairing == "half":
        return torch.cat((parts.real, parts.imag), -1).flatten(-2)
    return torch.view_as_real(parts).flatten(-3)
