"""A function that says what it does by design:
run `rotcheck compare examples/declare_a_convention.py`."""

import torch
from torch import Tensor

import rotcheck


@rotcheck.declare(pairing="interleaved", layout="bshd", tables="complex")
def apply_rotary(x: Tensor, freqs_cis: Tensor) -> Tensor:
    """Rotate x (B, S, H, D) by freqs_cis (S, 1, D/2), as Meta's Llama does."""
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))  # (B, S, H, D/2)
    return torch.view_as_real(pairs * freqs_cis).flatten(-2).type_as(x)  # (B, S, H, D)
