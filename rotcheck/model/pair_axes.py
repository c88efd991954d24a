"""By which axis each pair turns, told by a pass whose positions differ from axis to axis."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from rotcheck.model.axis_pass import AxisPass
from rotcheck.model.judged_turn import JudgedTurn
from rotcheck.model.turn_angles import NOISE, turn_angles
from rotcheck.model.turn_fit import EXACT, PHASE, fit_rows
from rotcheck.rotary.frequencies import wrap
from rotcheck.rotary.schedules import Schedule
from rotcheck.witness.call_record import CallRecord, TensorTurn

NO_AXIS, TOO_SLOW = -1, -2


def turn_by_axes(
    call: CallRecord, tensor: TensorTurn, seen: AxisPass, candidates: Sequence[Schedule]
) -> tuple[JudgedTurn, Tensor]:
    """How a tensor turns where all axes have the same positions, and the axis of each pair, (P,)
    int64: `NO_AXIS` where none explains it, `TOO_SLOW` where several do.

    Args:
        call: of the pass.
        tensor: that it turned.
        seen: the pass.
        candidates: schedules to try first.
    """
    angles = turn_angles(tensor.turn, tensor.before.dtype, seen.forward.length)
    first, rest = angles.angles[:, : seen.line], angles.angles[:, seen.line :]  # (B or 1, S, P)
    fit = fit_rows(first, angles.noise, None, tensor.turn.width, candidates)
    turn = JudgedTurn(call, tensor, replace(angles, angles=first), fit, fit.error)
    if fit.kind != "rows" or rest.shape[1] != seen.places.shape[1]:
        return turn, torch.full((rest.shape[-1],), NO_AXIS)
    return turn, _axes(turn, rest, seen.places.double()[:, None, :, None])


def _axes(turn: JudgedTurn, rest: Tensor, places: Tensor) -> Tensor:
    """The axis of each pair of rows that turn by `rest` (B or 1, N, P), at places (A, 1, N, 1)."""
    truth = places * turn.frequencies  # (A, 1, N, P)
    off = wrap(rest - truth).abs().flatten(1, 2).amax(1)  # (A, P)
    # a frequency that follows no schedule is known as far as an angle is, at the end of the line
    length, noise = turn.angles.angles.shape[1], turn.angles.noise
    rough = 0.0 if turn.fit.schedule else max(noise, EXACT) / (length - 1)
    exact = EXACT if noise <= NOISE else noise
    phases = truth.abs().flatten(1, 2).amax(1)  # (A, P)
    fits = off <= 4 * (exact + 2 * PHASE * phases + rough * float(places.max()))  # (A, P)
    axes = off.argmin(0).where(fits.any(0), NO_AXIS)
    return axes.where(fits.sum(0) <= 1, TOO_SLOW)
