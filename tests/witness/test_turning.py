"""Is a tensor another one, turned? Every pairing and place in a head; and what is none."""

from typing import Any

import pytest
import torch
from torch import Tensor

from rotcheck.convention.pairings import lanes, pairs
from rotcheck.rotary import inverse_frequencies
from rotcheck.witness.turning import find_turn

B, H, S, D = 2, 3, 19, 32


def _turned(
    x: Tensor, pairing: Any, start: int = 0, width: int = D, blocks: int = 1, theta: float = 1e4
) -> Tensor:
    positions = torch.arange(x.shape[-2])
    angles = positions[:, None] * inverse_frequencies(width, theta)  # (S, W / 2)
    angles = angles.repeat(1, blocks).float()
    stop = start + width * blocks
    a, b = pairs(x[..., start:stop], pairing, blocks).unbind(-1)
    cos, sin = angles.cos(), angles.sin()
    turned = lanes(torch.stack((a * cos - b * sin, a * sin + b * cos), -1), pairing, blocks)
    return torch.cat((x[..., :start], turned, x[..., stop:]), -1)


CASES = [
    {"pairing": "half"},
    {"pairing": "interleaved"},
    {"pairing": "half", "width": 16},
    {"pairing": "half", "width": 24},
    {"pairing": "half", "width": 16, "start": 16},
    {"pairing": "interleaved", "width": 8},
    {"pairing": "interleaved", "width": 8, "start": 24},
    {"pairing": "half", "width": 16, "blocks": 2},
    {"pairing": "half", "theta": 1e7},
]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_rotation_is_found_with_its_lanes_and_angles(
    case: dict[str, Any], dtype: torch.dtype
) -> None:
    x = torch.randn(B, H, S, D, generator=torch.Generator().manual_seed(1))
    turn = find_turn(x.to(dtype), _turned(x.to(dtype).float(), **case).to(dtype))
    assert turn is not None
    expected = case["pairing"], case.get("start", 0), case.get("width", D), case.get("blocks", 1)
    assert (turn.pairing, turn.start, turn.width, turn.blocks) == expected
    frequency = inverse_frequencies(turn.width, case.get("theta", 1e4))[-1]
    angle = turn.angles[0, 0, -1, -1]
    assert abs(float(angle - (S - 1) * frequency)) < (1e-6 if dtype == torch.float32 else 1e-2)


def test_heads_that_lie_side_by_side_are_blocks() -> None:
    x = torch.randn(B, H, S, D)
    flat = (x.transpose(1, 2).flatten(-2), _turned(x, "half").transpose(1, 2).flatten(-2))
    turn = find_turn(*flat)
    assert turn is not None
    assert (turn.width, turn.blocks) == (D, H)


def test_lanes_written_in_another_order_are_read() -> None:
    x = torch.randn(B, H, S, D)
    turned = lanes(pairs(_turned(x, "interleaved"), "interleaved"), "half")
    turn = find_turn(x, turned)
    assert turn is not None
    assert (turn.pairing, turn.output_lanes) == (
        "interleaved",
        "de-interleaved",
    )


def test_an_attention_factor_is_the_amplitude() -> None:
    x = torch.randn(B, H, S, D)
    turn = find_turn(x, 1.2 * _turned(x, "half"))
    assert turn is not None
    assert turn.amplitude == pytest.approx(1.2)


def test_complex_numbers_are_pairs_side_by_side() -> None:
    x = torch.randn(B, H, S, D)
    turned = _turned(x, "interleaved")
    turn = find_turn(*(torch.view_as_complex(pairs(y, "interleaved")) for y in (x, turned)))
    assert turn is not None
    assert turn.pairing == "interleaved"


def test_what_is_no_rotation_is_not_taken_for_one() -> None:
    x = torch.randn(B, H, S, D)
    quarter = torch.cat((-x[..., D // 2 :], x[..., : D // 2]), -1)
    both_add = _turned(x, "half")
    both_add[..., : D // 2] = x[..., : D // 2]
    others = (
        x,
        2 * x,
        -x,
        quarter,
        both_add,
        torch.randn_like(x),
        x.relu(),
        x.flip(-1),
        x * torch.nan,
    )
    assert [find_turn(x, other) for other in others] == [None] * len(others)


def test_a_block_that_adds_a_little_is_no_rotation() -> None:
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(B, S, D, generator=generator)
    # each pair is pushed sideways, by what its values are: its length hardly changes
    a, b = x.chunk(2, -1)
    size = 0.04 * torch.rand(a.shape, generator=generator)
    assert find_turn(x, torch.cat((a - size * b, b + size * a), -1)) is None


def test_a_block_that_adds_a_little_to_its_input_is_not_turned_by_one_short_pair() -> None:
    x = torch.randn(1, 60, 96, generator=torch.Generator().manual_seed(0))
    y = x + 1e-6 * torch.randn(1, 60, 96, generator=torch.Generator().manual_seed(1))
    x[0, 7, :2], y[0, 7, :2] = torch.tensor([1e-3, 0.0]), torch.tensor([1e-3, 1.4e-5])
    assert find_turn(x, y) is None
