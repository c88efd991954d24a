"""xformers' `rope_padded`: a Triton kernel that rotates q, and rotates k into a cache; interleaved pairs.

It computes the angles itself, of any positions. V goes into a cache as it is, and is left out here.
"""

import importlib
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations import third_party
from rotcheck.implementations.interface import Function, Unavailable
from rotcheck.implementations.third_party import Package

XFORMERS = Package("xformers", "xformers", "0.0.35")

convention = Convention(
    pairing="interleaved",
    layout="bshd",
    tables="positions",
    arguments=("q", "k", "positions"),
    positions="any",
    position_axes="bs",
)
no_gradient = (
    "xformers' rope_padded raises for tensors that ask for a gradient: it is for inference"
)
triton = True


def load(device: str) -> Function:
    """Return a function of q, k and positions (B, S), which makes caches of their own size."""
    XFORMERS.check_installed()
    if device == "interpreter":
        raise Unavailable(
            "the Triton interpreter lacks its power function, and takes seconds for a call of it"
        )
    third_party.for_cuda(device)
    parameters = ("xq", "xk", "xv", "cache_k", "cache_v", "attn_bias", "theta=", "seqpos=")
    rotate = XFORMERS.function("xformers.ops.rope_padded:rope_padded", *parameters)
    bias: Any = importlib.import_module(
        "xformers.ops.fmha.attn_bias"
    ).BlockDiagonalCausalWithOffsetPaddedKeysMask

    def apply(q: Tensor, k: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        batch, length = positions.shape
        # (1, B*S, H, D) each
        rows = [x.reshape(1, batch * length, -1, x.shape[-1]) for x in (q, k)]
        lengths = {
            "q_seqlen": [length] * batch,
            "kv_padding": length,
            "kv_seqlen": [length] * batch,
        }
        keys, values = torch.zeros_like(rows[1]), torch.zeros_like(rows[1])
        mask = bias.from_seqlens(**lengths)
        at = positions.reshape(-1).int()
        rotated = rotate(
            *rows, torch.zeros_like(rows[1]), keys, values, mask, theta=convention.theta, seqpos=at
        )
        return rotated.reshape(q.shape), keys.reshape(k.shape)

    return apply
