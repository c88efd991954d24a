import triton
import triton.language as tl


@triton.jit
def rope_kernel(
    q_ptr,
    k_ptr,
    cos_sin_cache,
    positions,
    q_stride_token,
    k_stride_token,
    num_qo_heads,
    num_kv_heads,
    HEAD_DIM: tl.constexpr,
    HALF: tl.constexpr,
):
    token, head_id = tl.program_id(0), tl.program_id(1)
    pair = tl.arange(0, HALF)
    position = tl.load(positions + token)
    cos = tl.load(cos_sin_cache + position * HEAD_DIM + pair)
    sin = tl.load(cos_sin_cache + position * HEAD_DIM + HALF + pair)
    if head_id < num_qo_heads:
        at = q_ptr + token * q_stride_token + head_id * HEAD_DIM + pair
    else:
        at = k_ptr + token * k_stride_token + (head_id) * HEAD_DIM + pair
    x1, x2 = tl.load(at), tl.load(at + HALF)
    tl.store(at, x1 * cos - x2 * sin)
    tl.store(at + HALF, x2 * cos + x1 * sin)


def apply_rope_inplace(q, k, cos_sin_cache, positions):
    """In place. q (num_tokens, num_qo_heads, head_dim), k (num_tokens, num_kv_heads, head_dim), cos_sin_cache
    (max_position, head_dim), positions (num_tokens)"""
    num_tokens, num_qo_heads, head_dim = q.shape
    num_kv_heads = k.shape[1]
    rope_kernel[(num_tokens, num_qo_heads + num_kv_heads)](
        q,
        k,
        cos_sin_cache,
        positions,
        q.stride(0),
        k.stride(0),
        num_qo_heads,
        num_kv_heads,
        head_dim,
        head_dim // 2,
    )
