"""Rows of which a call leaves one number are told from the others, which turn."""

import torch
from torch import Tensor

from rotcheck.rotary import inverse_frequencies
from rotcheck.witness.turning import find_turn, may_turn

B, H, S, D = 2, 3, 19, 16


def _pair(width: int = D) -> tuple[Tensor, Tensor]:
    x = torch.randn(B, H, S, D, generator=torch.Generator().manual_seed(3))
    angles = (torch.arange(S)[:, None] * inverse_frequencies(width)).float()  # (S, W / 2)
    a, b = x[..., :width].chunk(2, -1)
    cos, sin = angles.cos(), angles.sin()
    return x, torch.cat((a * cos - b * sin, b * cos + a * sin, x[..., width:]), -1)


def test_rows_of_zeros_are_no_part_of_the_turn() -> None:
    x, y = _pair()
    right = find_turn(x, y)
    y[:, :, [0, 7]] = 0
    turn = find_turn(x, y)
    assert may_turn(x, y)
    assert right is not None
    assert turn is not None
    assert turn.blank is not None
    assert turn.blank.axes == (2,)
    assert turn.blank.mask.nonzero().flatten().tolist() == [0, 7]
    assert turn.blank.words == "2 of 19 tokens"
    keep = [row for row in range(S) if row not in (0, 7)]
    torch.testing.assert_close(turn.angles[:, :, keep], right.angles[:, :, keep])
    assert (turn.amplitude, turn.error < 1e-5) == (1.0, True)


def test_lanes_that_do_not_turn_stay_in_a_blank_row() -> None:
    x, y = _pair(width=8)
    y[:, :, 0, :8] = 0
    turn = find_turn(x, y)
    assert turn is not None
    assert turn.blank is not None
    assert (turn.lanes, turn.blank.words) == (8, "1 of 19 tokens")


def test_a_row_that_held_one_number_before_is_not_blank() -> None:
    x, y = _pair()
    x[:, :, 4], y[:, :, 4] = 0, 0
    turn = find_turn(x, y)
    assert turn is not None
    assert turn.blank is None


def test_rows_of_each_sequence_may_be_blank() -> None:
    x, y = _pair()
    y[0, :, :2], y[1, :, :5] = 0, 0
    turn = find_turn(x, y)
    assert turn is not None
    assert turn.blank is not None
    assert (turn.blank.axes, turn.blank.words) == ((0, 2), "7 of 38 tokens")
    assert turn.blank.rest(x).shape == (31, H, D)


def test_a_head_and_rows_that_only_vanish_are_no_turn() -> None:
    x, y = _pair()
    zeros, masked = y.clone(), x.clone()
    zeros[0, 1, 3], masked[:, :, 3] = 0, 0
    assert find_turn(x, zeros) is None
    assert find_turn(x, masked) is None
