"""A tensor turned in another way than the model turns it."""

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention.pairings import lanes as lanes_of
from rotcheck.convention.pairings import written_order
from rotcheck.witness.turning import TurnForm, pairs_of

CLOSE = 1e-4  # radians: angles that differ by less are those of one turn


@dataclass(frozen=True, slots=True)
class NewTurn(TurnForm):
    """How a tensor is turned: which lanes of it form pairs, and by which angles they turn.

    `still`: along which axis, and where, nothing turns.
    """

    amplitude: float
    positions: Tensor  # (S,), float64
    frequencies: Tensor  # (P,), radians a position, signed by the direction
    axis: int  # of the sequence, counted from the front
    still: tuple[int, tuple[int, ...]] | None = None

    def but(self, **changes: Any) -> "NewTurn":
        """The same with some fields changed."""
        return replace(self, **changes)

    def is_like(self, turn: "NewTurn") -> bool:
        """Whether both turn alike, so far as a dtype could tell."""
        if any(getattr(self, part.name) != getattr(turn, part.name) for part in fields(TurnForm)):
            return False
        close = abs(self.amplitude - turn.amplitude) < 1e-6
        off = (self._angles() - turn._angles()).abs().max()
        return close and bool(off < CLOSE)

    def of(self, x: Tensor) -> Tensor:
        """A tensor (..., D), complex or not, turned; in its own dtype."""
        lanes = torch.view_as_real(x).flatten(-2) if x.is_complex() else x  # (..., D)
        pairs = pairs_of(lanes[..., self.region].float(), self.pairing, self.blocks)  # (..., P)
        turns = torch.polar(torch.ones(()).double(), self._angles()).to(pairs)  # (S, P)
        shape = [1] * pairs.dim()
        shape[self.axis], shape[-1] = turns.shape
        pairs = self.amplitude * pairs * turns.reshape(shape)
        result = lanes.clone()
        order = written_order(self.output_lanes, self.pairing)
        written = lanes_of(torch.view_as_real(pairs), order, self.blocks)  # (..., lanes)
        result[..., self.region] = written.to(lanes.dtype)
        if self.still is not None:
            axis, places = self.still
            index = torch.tensor(places, device=x.device)
            result.index_copy_(axis, index, lanes.index_select(axis, index))
        if x.is_complex():
            return torch.view_as_complex(result.reshape(*x.shape, 2))
        return result

    def _angles(self) -> Tensor:
        return self.positions[:, None] * self.frequencies  # (S, P)
