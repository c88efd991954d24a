"""A Triton kernel that rotates into memory of its own:
right, without its mask, and with batch row 0's tables."""

import torch
import triton
import triton.language as tl


@triton.jit
def _rope(
    x_ptr,
    out_ptr,
    cos_ptr,
    sin_ptr,
    S,
    H,
    stride,
    HALF: tl.constexpr,
    PADDED: tl.constexpr,
    W: tl.constexpr,
):
    head = tl.program_id(0) % H
    row, batch = (tl.program_id(0) // H) % S, tl.program_id(0) // (H * S)
    lane = tl.arange(0, PADDED)
    mask = lane < W
    table = batch * stride + row * HALF + lane
    cos, sin = tl.load(cos_ptr + table, mask=mask), tl.load(sin_ptr + table, mask=mask)
    at = ((batch * S + row) * H + head) * 2 * HALF + lane
    a, b = tl.load(x_ptr + at, mask=mask), tl.load(x_ptr + at + HALF, mask=mask)
    tl.store(out_ptr + at, a * cos - b * sin, mask=mask)
    tl.store(out_ptr + at + HALF, b * cos + a * sin, mask=mask)


def _launch(x, cos, sin, masked=True, rows=True):
    assert x.shape[1] <= cos.shape[1], "the tables have too few rows"
    x, cos, sin = x.contiguous(), cos.contiguous(), sin.contiguous()
    B, S, H, D = x.shape
    out, padded = torch.empty_like(x), triton.next_power_of_2(D // 2)
    stride = cos.stride(0) if rows and cos.shape[0] > 1 else 0
    _rope[(B * S * H,)](
        x, out, cos, sin, S, H, stride, D // 2, padded, D // 2 if masked else padded
    )
    return out


def rope(x, cos, sin):
    """x (B, S, H, D), cos and sin (B, S, D/2)"""
    return _launch(x, cos, sin)


def rope_without_its_mask(x, cos, sin):
    """x (B, S, H, D), cos and sin (B, S, D/2)"""
    return _launch(x, cos, sin, masked=False)


def rope_of_batch_row_0(x, cos, sin):
    """x (B, S, H, D), cos and sin (B, S, D/2)"""
    return _launch(x, cos, sin, rows=False)
