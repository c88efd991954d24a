"""Shapes that make sense are read, and the others are answered in one sentence."""

import pytest

from rotcheck.bench import shapes
from rotcheck.errors import RequestError


@pytest.mark.parametrize("shape", shapes.DEFAULT)
def test_the_default_shapes_are_shapes(shape: str) -> None:
    assert shapes.check(shape) == shape


def test_the_multiplication_sign_and_leading_zeros_are_read_too() -> None:
    assert shapes.check("2×010×3×8×64") == "2x10x3x8x64"


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("2x10x3x8", "not five numbers"),
        ("2x10x3x8x64x1", "not five numbers"),
        ("2,10,3,8,64", "not five numbers"),
        ("2x10x3x8x-64", "not five numbers"),
        ("2x10x3x8x6.4", "not five numbers"),
        ("", "not five numbers"),
        ("2x0x3x8x64", "holds nothing"),
        ("2x10x4x8x64", "third number must be 3"),
        ("2x10x3x8x63", "last number must be even"),
    ],
)
def test_what_is_no_shape_is_refused_in_one_sentence(shape: str, said: str) -> None:
    with pytest.raises(RequestError, match=said) as refused:
        shapes.check(shape)
    assert "\n" not in str(refused.value)


def test_a_shape_that_a_worker_cannot_hold_is_told_with_both_numbers() -> None:
    assert shapes.too_large("4x4096x3x16x128", "float32", 8.0) is None
    reason = shapes.too_large("4x4096x3x16x128", "float32", 4.0)
    assert reason == "timing 4x4096x3x16x128 in float32 takes about 4.5 GiB, and a worker may hold 4.0 GiB"


def test_a_dtype_of_half_the_width_takes_half_the_memory() -> None:
    assert shapes.too_large("4x4096x3x16x128", "bfloat16", 4.0) is None
