"""The truth is true: angles and rotation in float64, held against mpmath."""

import mpmath
import pytest
import torch

from rotcheck.rotary import angles, inverse_frequencies, rotate

POSITIONS = [0, 1, 2, 257, 2049, 4097, 131071, 2**20 - 1, 2**20]
EPS = 2.0**-52


@pytest.fixture(autouse=True)
def _fifty_digits() -> None:
    mpmath.mp.dps = 50


def exact_angle(position: int, pair: int, rotary_dim: int, theta: float) -> mpmath.mpf:
    return mpmath.mpf(position) * mpmath.power(
        mpmath.mpf(theta), -mpmath.mpf(2 * pair) / rotary_dim
    )


@pytest.mark.parametrize("rotary_dim", [2, 20, 64, 128, 192])
@pytest.mark.parametrize("theta", [100.0, 10000.0, 500000.0, 1e6])
def test_frequencies_are_right_to_the_last_bits(theta: float, rotary_dim: int) -> None:
    found = inverse_frequencies(rotary_dim, theta)
    assert found.shape == (rotary_dim // 2,)
    assert found.dtype == torch.float64
    for pair, frequency in enumerate(found.tolist()):
        exact = exact_angle(1, pair, rotary_dim, theta)
        assert abs(frequency - exact) <= 4 * EPS * exact


@pytest.mark.parametrize("rotary_dim", [20, 64, 128])
@pytest.mark.parametrize("theta", [10000.0, 500000.0, 1e6])
def test_cos_and_sin_are_right_up_to_a_million_positions(theta: float, rotary_dim: int) -> None:
    """The phase error of float64 is position * a few eps:
    under 1e-9 at 2**20, far below float32's eps."""
    found = angles(torch.tensor(POSITIONS), rotary_dim, theta)
    assert found.shape == (len(POSITIONS), rotary_dim // 2)
    for row, position in enumerate(POSITIONS):
        for pair in range(rotary_dim // 2):
            exact = exact_angle(position, pair, rotary_dim, theta)
            bound = 4 * EPS * (position + 1)
            assert abs(found[row, pair].cos().item() - mpmath.cos(exact)) <= bound
            assert abs(found[row, pair].sin().item() - mpmath.sin(exact)) <= bound


def test_rotate_turns_each_pair_by_its_own_angle() -> None:
    """Held element for element against mpmath, with B, S, H and P all different."""
    generator = torch.Generator().manual_seed(3)
    pairs = torch.randn(2, 3, 5, 4, 2, dtype=torch.float64, generator=generator)
    turns = angles(torch.tensor([1, 4097, 2**20]), 8)
    found = rotate(pairs, turns)
    assert found.shape == pairs.shape
    for b, s, h, p in torch.ones(2, 3, 5, 4).nonzero().tolist():
        a, c = (mpmath.mpf(v) for v in pairs[b, s, h, p].tolist())
        angle = mpmath.mpf(turns[s, p].item())
        exact = (
            a * mpmath.cos(angle) - c * mpmath.sin(angle),
            c * mpmath.cos(angle) + a * mpmath.sin(angle),
        )
        size = mpmath.hypot(a, c)
        assert max(abs(found[b, s, h, p, i].item() - exact[i]) for i in (0, 1)) <= 2 * EPS * size


def test_position_zero_is_the_identity_and_the_inverse_turns_back() -> None:
    pairs = torch.randn(
        2, 3, 5, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(4)
    )
    turns = angles(torch.tensor([0, 7, 131071]), 8)
    assert torch.equal(rotate(pairs, turns)[:, 0], pairs[:, 0])
    assert torch.allclose(rotate(rotate(pairs, turns), -turns), pairs, rtol=0, atol=1e-15 * 8)


@pytest.mark.parametrize("rotary_dim", [-2, 0, 1, 63])
def test_an_odd_or_empty_rotary_dim_is_refused_by_its_number(rotary_dim: int) -> None:
    with pytest.raises(
        ValueError, match=f"rotary_dim is {rotary_dim}; it must be positive and even"
    ):
        inverse_frequencies(rotary_dim)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.complex64], ids=str)
def test_positions_that_are_not_integers_are_refused_by_their_dtype(dtype: torch.dtype) -> None:
    with pytest.raises(TypeError, match=f"positions have dtype {dtype}; give exact integers"):
        angles(torch.arange(3).to(dtype), 8)


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8], ids=str)
def test_any_integer_dtype_gives_exact_positions(dtype: torch.dtype) -> None:
    assert torch.equal(angles(torch.arange(200).to(dtype), 8), angles(torch.arange(200), 8))


@pytest.mark.parametrize(("pairs", "turns"), [("float32", "float64"), ("float64", "float32")])
def test_a_truth_in_lower_precision_is_refused_by_its_dtypes(pairs: str, turns: str) -> None:
    message = f"computes in float64; pairs are torch.{pairs}, angles torch.{turns}"
    with pytest.raises(TypeError, match=message):
        rotate(
            torch.ones(1, 1, 1, 1, 2, dtype=getattr(torch, pairs)),
            torch.ones(1, 1, dtype=getattr(torch, turns)),
        )
