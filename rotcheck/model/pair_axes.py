"""By which axis each pair turns, told by positions that differ from axis to axis."""

import torch
from torch import Tensor

from rotcheck.model.judged_turn import JudgedTurn
from rotcheck.model.turn_angles import NOISE, turn_angles
from rotcheck.model.turn_fit import EXACT, PHASE
from rotcheck.rotary.frequencies import wrap
from rotcheck.witness.call_record import TensorTurn

NO_AXIS, TOO_SLOW = -1, -2


def pair_axes(same: JudgedTurn, apart: TensorTurn, positions: Tensor, length: int) -> Tensor:
    """The axis of each pair, (P,) int64: `NO_AXIS` where none explains it, `TOO_SLOW` where
    several do.

    Args:
        same: how the tensor turns where all axes have the same positions.
        apart: how it turns where they have others.
        positions: (A, 1, S), the latter.
        length: tokens of the sequence.
    """
    measured = turn_angles(apart.turn, apart.before.dtype, length)
    frequencies, places = same.frequencies, positions.double()[..., None]
    truth = places * frequencies  # (A, 1, S, P)
    if measured.angles.shape[1:] != truth.shape[2:]:
        return torch.full((len(frequencies),), NO_AXIS)
    off = wrap(measured.angles - truth).abs().flatten(1, 2).amax(1)  # (A, P)
    # a frequency that follows no schedule is known as far as an angle is, over the line of `same`
    rough = 0.0 if same.fit.schedule else max(same.angles.noise, EXACT) / max(length - 1, 1)
    exact = EXACT if measured.noise <= NOISE else measured.noise
    phases = truth.abs().flatten(1, 2).amax(1)  # (A, P)
    allowance = 4 * (exact + 2 * PHASE * phases + rough * float(places.max()))
    fits = off <= allowance  # (A, P)
    axes = off.argmin(0).where(fits.any(0), NO_AXIS)
    return axes.where(fits.sum(0) <= 1, TOO_SLOW)
