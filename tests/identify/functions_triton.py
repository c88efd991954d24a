"""A Triton kernel that turns halves in place, with the mask that other widths than powers
of two need, and without."""

import torch
import triton
import triton.language as tl


@triton.jit
def _turn(
    x_ptr, cos_ptr, sin_ptr, heads, HALF: tl.constexpr, PADDED: tl.constexpr, MASKED: tl.constexpr
):
    row, head = tl.program_id(0) // heads, tl.program_id(0) % heads
    lane = tl.arange(0, PADDED)
    mask = lane < (HALF if MASKED else PADDED)
    at = x_ptr + (row * heads + head) * 2 * HALF + lane
    cos, sin = (
        tl.load(cos_ptr + row * HALF + lane, mask=mask),
        tl.load(sin_ptr + row * HALF + lane, mask=mask),
    )
    a, b = tl.load(at, mask=mask), tl.load(at + HALF, mask=mask)
    tl.store(at, a * cos - b * sin, mask=mask)
    tl.store(at + HALF, b * cos + a * sin, mask=mask)


def _launch(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, masked: bool) -> torch.Tensor:
    rows, heads, width = x.shape
    padded = triton.next_power_of_2(width // 2)
    _turn[(rows * heads,)](x, cos.contiguous(), sin.contiguous(), heads, width // 2, padded, masked)
    return x


def masked_rope(x, cos, sin):
    """In place: x (tokens, heads, head_dim), cos and sin (tokens, head_dim / 2)."""
    return _launch(x, cos, sin, True)


def unmasked_rope(x, cos, sin):
    """In place: x (tokens, heads, head_dim), cos and sin (tokens, head_dim / 2)."""
    return _launch(x, cos, sin, False)


_tuned = triton.autotune([triton.Config({}, num_warps=warps) for warps in (4, 8)], key=["heads"])(
    _turn
)


def tuned_rope(x, cos, sin):
    """In place: x (tokens, heads, head_dim), cos and sin (tokens, head_dim / 2)."""
    rows, heads, width = x.shape
    padded = triton.next_power_of_2(width // 2)
    _tuned[(rows * heads,)](x, cos, sin, heads, width // 2, padded, True)
    return x
