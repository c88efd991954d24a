"""Are the values of one tensor those of another, whatever was split, joined or repeated between?"""

from functools import cached_property

import torch
from torch import Tensor

from rotcheck.witness.call_record import TensorTurn

MOST_VALUES = 64  # that are looked for
TOLERANCE = 2e-6  # relative: two values that differ by less are one
MOST = 0.95  # of the values looked for must be there
PART = 0.2  # of a tensor's values that must be exactly those which a rotation of more has made


class TurnValues:
    """The values that a rotation changed, as they were before it and after it."""

    def __init__(self, turn: TensorTurn) -> None:
        self.turn = turn
        before, after = _real(turn.before), _real(turn.after)
        self._changes = (before != after) & (after != 0)
        self._before, self._after = before[self._changes], after[self._changes]

    @cached_property
    def _sorted_before(self) -> Tensor:
        return self._before.sort().values

    @cached_property
    def _sorted_after(self) -> Tensor:
        return self._after.sort().values

    def is_after_in(self, slot: Tensor) -> bool:
        """Whether a tensor holds what came out, or is a part of it."""
        return self._are_in(slot, self._after, self._sorted_after)

    def is_before_in(self, slot: Tensor) -> bool:
        """Whether a tensor holds what went in, or is a part of it."""
        return self._are_in(slot, self._before, self._sorted_before)

    def _are_in(self, slot: Tensor, turn: Tensor, in_order: Tensor) -> bool:
        """All values may have been multiplied by one factor, that of the scores."""
        if not len(turn):
            return False
        flat = _real(slot).flatten()
        values = flat.sort().values
        width = self.turn.before.shape[-1]
        factors = (1.0, width**-0.5, width**-0.25)
        sample = _sample(turn)
        if any(_share(values, sample * factor, TOLERANCE) >= MOST for factor in factors):
            return True
        return _share(in_order, _sample(flat), 0.0) >= PART


def enters(slot: Tensor, turn: TensorTurn) -> bool:
    """Whether what an attention got holds a tensor that was turned."""
    return TurnValues(turn).is_after_in(slot)


def feeds(earlier: TensorTurn, later: TensorTurn) -> bool:
    """Whether what came out of one rotation went into another one, which turned the same lanes."""
    first_after, second = _real(earlier.after), _real(later.before)
    changes = _real(earlier.before) != first_after
    if first_after.shape[-1] == second.shape[-1]:
        lanes = _lanes(changes) & _lanes(second != _real(later.after))
        if not bool(lanes.any()):
            return False
        first_after, changes, second = (
            first_after[..., lanes],
            changes[..., lanes],
            second[..., lanes],
        )
    values = first_after[changes & (first_after != 0)]
    if not len(values):
        return False
    return _share(second.flatten().sort().values, _sample(values), TOLERANCE) >= MOST


def region_start(slot: Tensor, turn: TensorTurn) -> int | None:
    """The lane of a head at which the lanes that turned begin; None: it does not show."""
    after, before = _real(turn.after), _real(turn.before)
    lane = int((after - before).abs().flatten(0, -2).mean(0).argmax())
    values = _sample(after[..., lane][after[..., lane] != before[..., lane]])
    lanes = _real(slot).flatten(0, -2).T.contiguous()  # (D, N)
    width = before.shape[-1]
    factors = (1.0, width**-0.5, width**-0.25)
    places = [
        at
        for at, row in enumerate(lanes.sort(-1).values)
        if any(_share(row, values * factor, TOLERANCE) >= MOST for factor in factors)
    ]
    return places[0] - lane + turn.turn.start if len(places) == 1 else None


def _lanes(changes: Tensor) -> Tensor:
    return changes.flatten(0, -2).any(0)


def _real(x: Tensor) -> Tensor:
    """Values in float64; of complex numbers the two parts side by side."""
    x = torch.view_as_real(x.resolve_conj()).flatten(-2) if x.is_complex() else x
    return x.detach().double().cpu()


def _sample(values: Tensor) -> Tensor:
    step = max(1, values.numel() // MOST_VALUES)
    return values.flatten()[::step].contiguous()


def _share(values: Tensor, sample: Tensor, tolerance: float) -> float:
    """Which share of a sample is among values that are in order."""
    if len(values) < 2 or not len(sample):
        return 0.0
    at = torch.searchsorted(values, sample).clamp(1, len(values) - 1)
    off = torch.minimum((values[at] - sample).abs(), (values[at - 1] - sample).abs())
    return float((off <= tolerance * sample.abs()).double().mean())
