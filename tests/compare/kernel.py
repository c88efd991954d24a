"""A Triton kernel of a user's own, and one that takes its input's memory to be contiguous."""

import torch
import triton
import triton.language as tl


@triton.jit
def _rotate(x, out, cos, sin, slots, heads: tl.constexpr, block: tl.constexpr, half: tl.constexpr):
    """Rotate all heads of one slot of one row; `slots` is rows times 3."""
    program = tl.program_id(0)
    head, lane = tl.arange(0, block)[:, None], tl.arange(0, half)[None, :]
    there = (head < heads) & (lane < half)
    at = (program * heads + head) * 2 * half + lane
    table = (program % slots) * 2 * half + lane
    a, b = tl.load(x + at, there), tl.load(x + at + half, there)
    c, s = tl.load(cos + table), tl.load(sin + table)
    tl.store(out + at, a * c - b * s, there)
    tl.store(out + at + half, b * c + a * s, there)


def careless(qkv, cos, sin):
    batch, rows, slots, heads, lanes = qkv.shape
    out = torch.empty(qkv.shape, dtype=qkv.dtype, device=qkv.device)
    sizes = rows * slots, heads, triton.next_power_of_2(heads), lanes // 2
    _rotate[(batch * rows * slots,)](qkv, out, cos.contiguous(), sin.contiguous(), *sizes)
    return out


def careful(qkv, cos, sin):
    return careless(qkv.contiguous(), cos, sin)
