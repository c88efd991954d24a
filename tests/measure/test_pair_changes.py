"""What becomes of one pair, (2, 3), by cos 0.6 and sin 0.8: worked out by hand."""

import pytest
import torch

from rotcheck.measure import pair_changes
from rotcheck.measure.pair_changes import PairChange

PAIR = torch.tensor([[2.0, 3.0]], dtype=torch.float64)  # (P, 2)
COS, SIN = torch.full_like(PAIR, 0.6), torch.full_like(PAIR, 0.8)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (pair_changes.turn, [2 * 0.6 - 3 * 0.8, 3 * 0.6 + 2 * 0.8]),
        (pair_changes.turn_back, [2, 3]),
        (pair_changes.turn_twice, [2 * -0.28 - 3 * 0.96, 3 * -0.28 + 2 * 0.96]),  # the double angle
        (pair_changes.swap_tables, [2 * 0.8 - 3 * 0.6, 3 * 0.8 + 2 * 0.6]),
        (pair_changes.drop_sin, [1.2, 1.8]),
        (pair_changes.add_both, [2 * 0.6 + 3 * 0.8, 3 * 0.6 + 2 * 0.8]),
        (pair_changes.alias_first, [-1.2, 3 * 0.6 + -1.2 * 0.8]),
        (pair_changes.alias_second, [2 * 0.6 - 3.4 * 0.8, 3.4]),
    ],
)
def test_a_pair_becomes(change: PairChange, expected: list[float]) -> None:
    assert change(PAIR, COS, SIN)[0].tolist() == pytest.approx(expected)


def test_each_lane_of_a_pair_can_have_an_angle_of_its_own() -> None:
    cos, sin = torch.tensor([[1.0, 0.0]]).double(), torch.tensor([[0.0, 1.0]]).double()
    assert pair_changes.turn(PAIR, cos, sin)[0].tolist() == [2.0, 2.0]
