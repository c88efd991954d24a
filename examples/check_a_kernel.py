"""A kernel of your own, tested in one line: run `pytest examples/check_a_kernel.py`."""

import torch
from torch import Tensor

from rotcheck.testing import assert_rotates


def rope(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """Rotate q and k (B, H, S, D) by cos and sin (B, 1, S, D), as Llama does in transformers."""

    def rotate_half(x: Tensor) -> Tensor:
        first, second = x.chunk(2, -1)
        return torch.cat((-second, first), -1)  # (B, H, S, D)

    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


def test_rope_is_right() -> None:
    """It is identified, then held to float64 in float32 and bfloat16, its gradient too."""
    assert_rotates(rope)


def test_rope_has_the_convention_of_the_checkpoint() -> None:
    """A model that was trained with another convention would be read wrong without an error."""
    tables = {"tables": "repeated", "table_axes": "b1sw"}
    call = ("q", "k", "cos", "sin")
    assert_rotates(rope, pairing="half", layout="bhsd", arguments=call, **tables)
