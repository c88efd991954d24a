"""Which tensor is a part of which: by runs of lanes, so that chance accuses nobody."""

import torch

from rotcheck.model.turned_values import enters, feeds, region_start
from rotcheck.witness.call_record import TensorTurn
from rotcheck.witness.turning import find_turn


def _turn(x: torch.Tensor) -> TensorTurn:
    """A tensor (B, H, S, D) turned by the usual angles."""
    lanes = x.shape[-1]
    steps = 10000.0 ** (-torch.arange(0, lanes, 2) / lanes)
    angles = torch.arange(x.shape[-2])[:, None] * steps
    a, b = x.float().chunk(2, -1)
    cos, sin = angles.cos(), angles.sin()
    after = torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)
    turn = find_turn(x, after)
    assert turn is not None
    return TensorTurn("q", x, after, turn)


def test_a_tensor_of_many_narrow_values_holds_no_other_by_chance() -> None:
    q, v = (torch.randn(2, 32, 256, 64).bfloat16() for _ in range(2))  # 1 M values each
    turn = _turn(q)
    assert enters(turn.after, turn)
    assert not enters(v, turn)
    assert not enters(q, turn)


def test_a_part_a_repetition_and_a_scaled_copy_hold_it() -> None:
    turn = _turn(torch.randn(2, 4, 20, 8))
    rest = torch.randn(2, 4, 20, 8)
    whole = torch.cat((rest, turn.after), -1)
    assert enters(whole, turn)
    assert region_start(whole, turn) == 8
    assert enters(turn.after.repeat_interleave(3, 1), turn)
    assert enters(turn.after * 8**-0.5, turn)
    assert enters(turn.after[:, 1:2], turn)
    assert not enters(rest, turn)


def test_a_second_turn_of_the_same_lanes_is_one_in_a_row_and_of_other_lanes_is_none() -> None:
    first = _turn(torch.randn(2, 4, 20, 8))
    assert feeds(first, _turn(first.after))
    assert not feeds(first, _turn(torch.randn(2, 4, 20, 8)))


def test_a_part_of_many_lanes_that_hardly_turn_in_a_narrow_dtype_holds_it() -> None:
    turn = _turn(torch.randn(1, 6, 48, 128).bfloat16())
    assert (turn.before == turn.after).float().mean() > 0.1
    for part in turn.after.chunk(2, 2):
        assert enters(part, turn)
    for part in turn.before.chunk(2, 2):
        assert not enters(part, turn)
    assert enters(turn.after * 128**-0.25, turn)
    normed = [torch.nn.functional.rms_norm(x, (128,)) for x in (turn.after, turn.before)]
    assert [enters(x, turn) for x in normed] == [True, False]
