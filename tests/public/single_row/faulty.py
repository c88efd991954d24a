import torch
import triton
import triton.language as tl


@triton.jit
def rope_single(x_ptr, out_ptr, offset, log2_base, HALF: tl.constexpr):
    row = tl.program_id(0)
    pair = tl.arange(0, HALF)
    angle = offset * tl.exp2(-pair.to(tl.float32) / HALF * log2_base)
    cos, sin = tl.cos(angle), tl.sin(angle)
    x1 = tl.load(x_ptr + row * 2 * HALF + pair)
    x2 = tl.load(x_ptr + row * 2 * HALF + HALF + pair)
    tl.store(out_ptr + row * 2 * HALF + pair, x1 * cos - x2 * sin)
    tl.store(out_ptr + row * 2 * HALF + HALF + pair, x1 * sin + x2 * cos)


@triton.jit
def rope_general(x_ptr, out_ptr, offset, length, log2_base, HALF: tl.constexpr):
    row = tl.program_id(0)
    pair = tl.arange(0, HALF)
    angle = (offset + row % length) * tl.exp2(-pair.to(tl.float32) / HALF * log2_base)
    cos, sin = tl.cos(angle), tl.sin(angle)
    x1 = tl.load(x_ptr + row * 2 * HALF + pair)
    x2 = tl.load(x_ptr + row * 2 * HALF + HALF + pair)
    tl.store(out_ptr + row * 2 * HALF + pair, x1 * cos - x2 * sin)
    tl.store(out_ptr + row * 2 * HALF + HALF + pair, x1 * sin + x2 * cos)


def fast_rope(
    x: torch.Tensor, offset: int = 0, log2_base: float = 13.287712379549449
) -> torch.Tensor:
    """x: (B, H, L, D), the rows of L at offset, offset + 1, ..."""
    x = x.contiguous()
    out = x.clone()
    B, H, L, D = x.shape
    if L == 1:
        rope_single[(H,)](x, out, offset, log2_base, D // 2)
    else:
        rope_general[(B * H * L,)](x, out, offset, L, log2_base, D // 2)
    return out
