"""Which axis of a tensor that turned is its sequence."""

import pytest
import torch

from rotcheck.model.turn_angles import turn_angles
from rotcheck.witness.turning import find_turn


@pytest.mark.parametrize("length", [0, 13, 24])
def test_heads_that_differ_more_than_patches_are_not_the_sequence(length: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 4, 24, 8, dtype=torch.complex128, generator=generator)  # (B, H, S, P)
    patches = torch.arange(24)[:, None] * torch.linspace(0.001, 0.01, 8)  # (S, P)
    heads = torch.arange(4)[:, None, None] * 0.7  # (H, 1, 1)
    y = x * torch.polar(torch.ones(4, 24, 8).double(), (patches + heads).double())
    before, after = (torch.view_as_real(z).flatten(-2) for z in (x, y))
    turn = find_turn(before, after)
    assert turn is not None
    angles = turn_angles(turn, torch.float64, length)
    assert (angles.axis, angles.uneven) == (2, 1)
