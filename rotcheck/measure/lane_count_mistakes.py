"""Mistakes in which lanes of a head turn: too many, too few, others."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.prediction import Prediction, of_q_and_k
from rotcheck.rotary import inverse_frequencies, lanes, pairs, rotate


def of_lane_counts(case: Case) -> Iterator[Prediction]:
    """What each of these mistakes would give, where the sizes leave room for it."""
    partial, width, dim = case.rotary_dim < case.width, case.width, case.rotary_dim
    angles = case.angles[..., : dim // 2]
    if 2 * dim <= width:  # full-width tables are taken for half-width ones
        lane_angles = lanes(torch.stack((angles, angles), -1), case.convention.lane_order)
        words = "rotates twice as many lanes as it should"
        yield "rotary-dim", words, _turned_from(case, lane_angles)
    # half-width tables are taken for full-width ones, of which the left half is read
    words = "rotates half of the lanes that it should"
    yield "rotary-dim", words, _turned_from(case, angles[..., : angles.shape[-1] // 2])
    if partial:
        words = "rotates the last lanes of a head and not the first"
        yield "rotary-dim", words, _turned_from(case, angles, width - dim)
        words = "pairs lane i with i + head_dim/2 and not with i + rotary_dim/2"
        yield "rotary-dim", words, _over_head(case, angles)
    if partial and not case.convention.takes_tables:
        over_head = inverse_frequencies(width, case.convention.theta) * case.convention.direction
        words = "rotates all lanes of a head and not the first rotary_dim"
        yield "rotary-dim", words, _turned_from(case, case.places(case.position_rows) * over_head)


def _turned_from(case: Case, angles: Tensor, start: int = 0) -> Slots:
    """Turn the lanes of q and k from `start` on, as many as the angles are for."""
    pairing, stop = case.convention.pairing, start + 2 * angles.shape[-1]

    def turn(flat: Tensor) -> Tensor:
        result = lanes(rotate(pairs(flat[..., start:stop], pairing), angles), pairing)
        return torch.cat((flat[..., :start], result, flat[..., stop:]), -1)

    return _with_lanes(case, turn)


def _over_head(case: Case, angles: Tensor) -> Slots:
    """Lane i turns with i + head_dim / 2, although only rotary_dim lanes should turn."""
    still = angles.new_zeros(*angles.shape[:-1], case.width // 2 - angles.shape[-1])
    over_head = torch.cat((angles, still), -1)
    return _with_lanes(case, lambda flat: lanes(rotate(pairs(flat, "half"), over_head), "half"))


def _with_lanes(case: Case, change: Callable[[Tensor], Tensor]) -> Slots:
    """Change the lanes (..., D) of q and k, in the order in which they lie in memory."""
    pairing = case.convention.pairing

    def of_slot(slot: Tensor) -> Tensor:
        return case.pairs_of(change(case.lanes_of(slot, pairing, 1)), pairing, 1)

    return of_q_and_k(case, of_slot)
