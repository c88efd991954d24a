import triton
import triton.language as tl


@triton.jit
def _triton_rope(
    q_ptr,
    q_row_stride,
    k_ptr,
    k_row_stride,
    cos_sin_ptr,
    cos_sin_row_stride,
    pos_ptr,
    n_qh: tl.constexpr,
    n_kh: tl.constexpr,
    hd: tl.constexpr,
    rope_dim: tl.constexpr,
    pad_rope_dim: tl.constexpr,
):
    """NeoX style, in place. q (num_tokens, n_qh, hd), k (num_tokens, n_kh, hd), cos_sin (max_position, rope_dim)."""
    pid = tl.program_id(0)
    position = tl.load(pos_ptr + pid)
    row = cos_sin_ptr + position * cos_sin_row_stride
    half = tl.arange(0, pad_rope_dim // 2)
    mask = half < (rope_dim // 2)
    cos = tl.load(row + half, mask=mask, other=0.0)
    sin = tl.load(row + half + rope_dim // 2, mask=mask, other=0.0)
    for head in range(n_qh):
        at = q_ptr + pid * q_row_stride + head * hd + half
        x1 = tl.load(at, mask=mask, other=0.0)
        x2 = tl.load(at + rope_dim // 2, mask=mask, other=0.0)
        tl.store(at, x1 * cos - x2 * sin, mask=mask)
        tl.store(at + rope_dim // 2, x2 * cos + x1 * sin, mask=mask)
    for head in range(n_kh):
        at = k_ptr + pid * k_row_stride + head * hd + half
        x1 = tl.load(at, mask=mask, other=0.0)
        x2 = tl.load(at + rope_dim // 2, mask=mask, other=0.0)
        tl.store(at, x1 * cos - x2 * sin, mask=mask)
        tl.store(at + rope_dim // 2, x2 * cos + x1 * sin, mask=mask)


def rope_forward_triton(q, k, cos_sin_cache, positions, rope_dim=-1):
    """q (num_tokens, num_heads, head_dim), k (num_tokens, num_kv_heads, head_dim), cos_sin_cache
    (max_position, rope_dim): cos, then sin. positions (num_tokens). In place, and returned."""
    num_tokens, n_qh, head_dim = q.shape
    rope_dim = head_dim if rope_dim < 0 else rope_dim
    pad_rope_dim = triton.next_power_of_2(rope_dim)
    _triton_rope[(num_tokens,)](
        q,
        q.stride(0),
        k,
        k.stride(0),
        cos_sin_cache,
        cos_sin_cache.stride(0),
        positions,
        n_qh,
        k.shape[1],
        head_dim,
        rope_dim,
        pad_rope_dim,
    )
    return q, k
