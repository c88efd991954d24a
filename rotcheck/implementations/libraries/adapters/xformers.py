"""xformers: a function that rotates k into a cache, as one of q, k and positions."""

import importlib
from typing import Any

import torch
from torch import Tensor

from rotcheck.implementations import third_party
from rotcheck.implementations.interface import Function, Unavailable
from rotcheck.implementations.libraries.library import Library


def with_caches(library: Library, device: str) -> Function:
    """A function of q, k and positions (B, S), which makes caches of their own size."""
    if device == "interpreter":
        raise Unavailable(
            "the Triton interpreter lacks its power function, and takes seconds for a call of it"
        )
    third_party.for_cuda(device)
    rotate, theta = library.fetch(), library.convention.theta
    attention_bias: Any = importlib.import_module("xformers.ops.fmha.attn_bias")
    bias_type = attention_bias.BlockDiagonalCausalWithOffsetPaddedKeysMask

    def apply(q: Tensor, k: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        batch, length = positions.shape
        # (1, B*S, H, D) each
        q_rows, k_rows = (x.reshape(1, batch * length, -1, x.shape[-1]) for x in (q, k))
        v_rows, keys, values = (torch.zeros_like(k_rows) for _ in range(3))
        bias = bias_type.from_seqlens(
            q_seqlen=[length] * batch, kv_padding=length, kv_seqlen=[length] * batch
        )
        flat = positions.reshape(-1).int()
        rotated_q = rotate(q_rows, k_rows, v_rows, keys, values, bias, theta=theta, seqpos=flat)
        return rotated_q.reshape(q.shape), keys.reshape(k.shape)

    return apply
