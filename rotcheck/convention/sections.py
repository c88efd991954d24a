"""The sections of M-RoPE: how many pairs turn with each axis of a film."""

from typing import Literal

Sections = Literal["blocks", "interleaved"]


def sections(pairs: int) -> tuple[int, int, int]:
    """How many of so many pairs turn with time, height and width:
    24, 20 and 20 of 64, as in Qwen3-VL."""
    side = 5 * pairs // 16
    return pairs - 2 * side, side, side
