"""Mistakes in how a pair of lanes turns:
its terms, the order of its lanes, the row of its angle."""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from rotcheck.convention import Convention, Pairing
from rotcheck.measure import mistake_names, pair_changes
from rotcheck.measure.case import Case
from rotcheck.measure.prediction import Prediction, by_lanes, by_pairs, with_turn
from rotcheck.rotary import lanes, pairs, rotate

OTHER: dict[Pairing, Pairing] = {"half": "interleaved", "interleaved": "half"}


def of_pairs(case: Case) -> Iterator[Prediction]:
    """What each of these mistakes would give, the commonest first."""
    given, turned = case.convention, partial(with_turn, case)
    yield *mistake_names.NOT_ROTATED, turned(lambda x, _: x)
    yield "direction", "rotates by the negative angle", turned(lambda x, a: rotate(x, -a))
    yield *mistake_names.TWICE, turned(lambda x, a: rotate(x, 2 * a))
    yield "rotated-twice", "rotates three times", turned(lambda x, a: rotate(x, 3 * a))
    words = "rotates the other pairing's lanes (half against interleaved)"
    yield "pairing", words, turned(partial(_other_pairing, given.pairing))
    # rotate_every_two with cat(f, f); then one that makes or converts its tables itself
    for order, table_lanes in (
        (OTHER[given.pairing], given.lane_order),
        (given.pairing, OTHER[given.lane_order]),
    ):
        yield *mistake_names.OTHER_TABLES, turned(partial(_mix, given, order, table_lanes))
    words = "writes its result in the other pairing's order of lanes"
    yield "lanes", words, turned(partial(_other_lanes, given))
    words = "writes the two lanes of each pair in each other's place"
    yield "lanes", words, turned(lambda x, a: rotate(x, a).flip(-1))
    for (code, words), change in (
        (("tables-swapped", "uses cos for sin and sin for cos"), pair_changes.swap_tables),
        (mistake_names.SIN_DROPPED, pair_changes.drop_sin),
        (mistake_names.ALIASING, pair_changes.alias_first),
        (
            ("aliasing", "uses the second half's new values to make the first"),
            pair_changes.alias_second,
        ),
        (mistake_names.ONE_SIGN, pair_changes.add_both),
    ):
        yield code, words, turned(partial(by_pairs, change))
    yield from _of_rows(case)


def _of_rows(case: Case) -> Iterator[Prediction]:
    """What comes of the angle of another row."""
    turned = partial(with_turn, case)
    words = "rotates each row with the next row's angle"
    yield "shifted", words, turned(lambda x, a: rotate(x, a.roll(-1, -2)))
    words = "rotates each row with the row's before it"
    yield "shifted", words, turned(lambda x, a: rotate(x, a.roll(1, -2)))
    words = "rotates every row with the first row's angle"
    yield "positions-ignored", words, turned(lambda x, a: rotate(x, a[..., :1, :].expand_as(a)))
    words = "rotates each head with the row of the head's number, and not of the position's"
    yield "per-head", words, turned(_by_head)
    words = "rotates every batch row with the angles of the first"
    yield "first-of-batch", words, turned(lambda x, a: rotate(x, a[0]))


def _other_pairing(ours: Pairing, x: Tensor, angles: Tensor) -> Tensor:
    """The right rotation of the lanes that the other pairing would pair."""
    result = rotate(pairs(lanes(x, ours), OTHER[ours]), angles)
    return pairs(lanes(result, OTHER[ours]), ours)


def _mix(
    convention: Convention, pairing: Pairing, table_lanes: Pairing, x: Tensor, angles: Tensor
) -> Tensor:
    """The lanes of one pairing turned with tables that lie as another's."""
    lane_angles = pairs(lanes(torch.stack((angles, angles), -1), table_lanes), pairing)
    ours = pairs(lanes(x, convention.pairing), pairing)
    result = by_lanes(pair_changes.turn, ours, lane_angles)
    return pairs(lanes(result, pairing), convention.pairing)


def _other_lanes(convention: Convention, x: Tensor, angles: Tensor) -> Tensor:
    """The right values, written in the other pairing's order of lanes."""
    order = convention.output_order
    return pairs(lanes(rotate(x, angles), OTHER[order]), order)


def _by_head(x: Tensor, angles: Tensor) -> Tensor:
    """The table's row of the head's number, and not of the position's."""
    heads = x.shape[2]
    if not 1 < heads <= angles.shape[-2]:
        return x
    return rotate(x.transpose(1, 2), angles[..., :heads, :]).transpose(1, 2)
