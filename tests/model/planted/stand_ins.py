"""Attention as the kernels of flash-attn and xformers are called, without their packages.

It is loaded once under the name of each package; nothing that a caller sees of a kernel's inside
shows how it attends.
"""

import torch
from torch import Tensor, nn

Rotary = tuple[Tensor, Tensor, bool]


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention of (B, S, H, D)."""
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    return nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True).transpose(1, 2)


def _by_lengths(q: Tensor, k: Tensor, v: Tensor, ends: Tensor) -> Tensor:
    """Attention of (tokens, H, D), within each sequence."""
    spans = list(zip(ends.tolist(), ends.tolist()[1:]))
    return torch.cat([_attend(*(x[a:b][None] for x in (q, k, v)))[0] for a, b in spans])


def _rotate(x: Tensor, rotary: Rotary, first: int) -> Tensor:
    cos, sin = (table[first : first + x.shape[1], None] for table in rotary[:2])  # (S, 1, P)
    if rotary[2]:
        a, b = x[..., ::2], x[..., 1::2]
        return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


def flash_attn_func(q: Tensor, k: Tensor, v: Tensor, causal: bool = False) -> Tensor:
    return _attend(q, k, v)


def flash_attn_varlen_func(
    q: Tensor, k: Tensor, v: Tensor, cu_seqlens_q: Tensor, cu_seqlens_k: Tensor
) -> Tensor:
    return _by_lengths(q, k, v, cu_seqlens_q)


def flash_attn_qkvpacked_func(qkv: Tensor) -> Tensor:
    return _attend(*qkv.unbind(2))


def flash_attn_kvpacked_func(q: Tensor, kv: Tensor) -> Tensor:
    return _attend(q, *kv.unbind(2))


def flash_attn_varlen_qkvpacked_func(qkv: Tensor, cu_seqlens: Tensor) -> Tensor:
    return _by_lengths(*qkv.unbind(1), cu_seqlens)


def flash_attn_with_kvcache(
    q: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    k: Tensor | None = None,
    v: Tensor | None = None,
    rotary_cos: Tensor | None = None,
    rotary_sin: Tensor | None = None,
    cache_seqlens: int = 0,
    rotary_interleaved: bool = True,
) -> Tensor:
    """Turns q and k by the tables, writes k and v into the cache, and attends to that."""
    first, length = cache_seqlens, q.shape[1]
    if rotary_cos is not None and rotary_sin is not None:
        rotary = rotary_cos, rotary_sin, rotary_interleaved
        q = _rotate(q, rotary, first)
        k = None if k is None else _rotate(k, rotary, first)
    if k is not None and v is not None:
        k_cache[:, first : first + length], v_cache[:, first : first + length] = k, v
    return _attend(q, k_cache[:, : first + length], v_cache[:, : first + length])


def memory_efficient_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return _attend(query, key, value)
