import torch
import triton
import triton.language as tl


@triton.jit
def _turn(
    x, table, stride_token, stride_head, stride_row, PAIRS: tl.constexpr, BLOCK: tl.constexpr
):
    token, head = tl.program_id(0), tl.program_id(1)
    pair = tl.arange(0, BLOCK)
    inside = pair < PAIRS
    at = x + token * stride_token + head * stride_head + 2 * pair
    row = table + token * stride_row + 2 * pair
    a, b = tl.load(at, mask=inside), tl.load(at + 1, mask=inside)
    cos, sin = tl.load(row, mask=inside), tl.load(row + 1, mask=inside)
    tl.store(at, a * cos - b * sin, mask=inside)
    tl.store(at + 1, b * cos + a * sin, mask=inside)


def apply_rotary_inplace(x, freqs_cis):
    """x (tokens, heads, head_dim), turned in place; freqs_cis complex (tokens, head_dim / 2)."""
    tokens, heads, width = x.shape
    table = torch.view_as_real(freqs_cis).flatten(-2)
    block = triton.next_power_of_2(width // 2)
    strides = x.stride(0), x.stride(1), table.stride(0)
    _turn[(tokens, heads)](x, table, *strides, PAIRS=width // 2, BLOCK=block)
    return x
