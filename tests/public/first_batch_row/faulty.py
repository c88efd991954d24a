import torch
import triton
import triton.language as tl


@triton.jit
def _turn(
    x, cos, sin, out, length, tables, HEADS: tl.constexpr, WIDTH: tl.constexpr, HALF: tl.constexpr
):
    token = tl.program_id(0)
    row = token % length
    lane = tl.arange(0, HALF)
    c, s = tl.load(cos + row * WIDTH + lane), tl.load(sin + row * WIDTH + lane)
    for head in range(HEADS):
        at = (token * HEADS + head) * WIDTH + lane
        a, b = tl.load(x + at), tl.load(x + at + HALF)
        tl.store(out + at, a * c - b * s)
        tl.store(out + at + HALF, b * c + a * s)


def rotary_embed(x, cos, sin):
    """x (batch, length, heads, head_dim); cos, sin (1, length, head_dim) or (batch, length, head_dim)."""
    batch, length, heads, width = x.shape
    x, cos, sin = x.contiguous(), cos.contiguous(), sin.contiguous()
    out = torch.empty_like(x)
    _turn[(batch * length,)](
        x, cos, sin, out, length, cos.shape[0], HEADS=heads, WIDTH=width, HALF=width // 2
    )
    return out
