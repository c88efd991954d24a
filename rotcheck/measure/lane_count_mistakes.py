"""Mistakes in which lanes of a head turn: too many, too few, others."""

from collections.abc import Callable

import torch
from torch import Tensor

from rotcheck.measure.case import Case
from rotcheck.rotary import inverse_frequencies, lanes, pairs, rotate


def _flat(case: Case, slot: Tensor) -> Tensor:
    """A slot's lanes (..., D) in the order in which they lie in memory."""
    turning = case.rotary_dim // 2
    return torch.cat(
        (
            lanes(slot[..., :turning, :], case.convention.pairing),
            slot[..., turning:, :].flatten(-2),
        ),
        -1,
    )


def _read(case: Case, flat: Tensor) -> Tensor:
    rotary, rest = flat[..., : case.rotary_dim], flat[..., case.rotary_dim :]
    return torch.cat((pairs(rotary, case.convention.pairing), pairs(rest, "interleaved")), -2)


def _turn_from(case: Case, slot: Tensor, angles: Tensor, start: int = 0) -> Tensor:
    """Turn the lanes from `start` on, as many as the angles are for."""
    flat, pairing, stop = _flat(case, slot), case.convention.pairing, start + 2 * angles.shape[-1]
    result = lanes(rotate(pairs(flat[..., start:stop], pairing), angles), pairing)
    return _read(case, torch.cat((flat[..., :start], result, flat[..., stop:]), -1))


def _own_angles(case: Case) -> Tensor:
    return case.angles[..., : case.rotary_dim // 2]


def _twice_the_lanes(case: Case, slot: Tensor) -> Tensor:
    """Full-width tables are taken for half-width ones."""
    angles = _own_angles(case)
    if 2 * case.rotary_dim > case.width:
        return slot
    order = case.convention.lane_order
    return _turn_from(case, slot, lanes(torch.stack((angles, angles), -1), order))


def _half_the_lanes(case: Case, slot: Tensor) -> Tensor:
    """Half-width tables are taken for full-width ones, of which the left half is read."""
    angles = _own_angles(case)
    return _turn_from(case, slot, angles[..., : angles.shape[-1] // 2])


def _last_lanes(case: Case, slot: Tensor) -> Tensor:
    if case.rotary_dim == case.width:
        return slot
    return _turn_from(case, slot, _own_angles(case), case.width - case.rotary_dim)


def _partner_over_head(case: Case, slot: Tensor) -> Tensor:
    """Lane i turns with i + head_dim / 2, although only rotary_dim lanes should turn."""
    angles, flat, half = _own_angles(case), _flat(case, slot), case.width // 2
    if case.rotary_dim == case.width:
        return slot
    still = angles.new_zeros(*angles.shape[:-1], half - angles.shape[-1])
    return _read(case, lanes(rotate(pairs(flat, "half"), torch.cat((angles, still), -1)), "half"))


def _all_lanes(case: Case, slot: Tensor) -> Tensor:
    """All lanes of the head turn, with frequencies over them, although only rotary_dim should."""
    if case.rotary_dim == case.width or case.convention.takes_tables:
        return slot
    positions = case.places(torch.tensor(case.positions, device="cpu"))  # ([B,] S, 1)
    over_head = inverse_frequencies(case.width, case.convention.theta)
    return _turn_from(case, slot, positions * over_head * case.convention.direction)


LANE_COUNT_MISTAKES: tuple[tuple[str, str, Callable[[Case, Tensor], Tensor]], ...] = (
    ("rotary-dim", "rotates twice as many lanes as it should", _twice_the_lanes),
    ("rotary-dim", "rotates half of the lanes that it should", _half_the_lanes),
    ("rotary-dim", "rotates the last lanes of a head and not the first", _last_lanes),
    (
        "rotary-dim",
        "pairs lane i with i + head_dim/2 and not with i + rotary_dim/2",
        _partner_over_head,
    ),
    ("rotary-dim", "rotates all lanes of a head and not the first rotary_dim", _all_lanes),
)
