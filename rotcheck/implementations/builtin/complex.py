"""Meta's form: lanes read as complex numbers and multiplied by cos + i sin; interleaved pairs."""

import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function

convention = Convention(pairing="interleaved", layout="bshd", tables="complex")


def load(device: str) -> Function:
    """The function; a device without complex64 raises when it is called."""
    return apply


def apply(x: Tensor, freqs_cis: Tensor) -> Tensor:
    """Rotate x (B, S, H, D) with the table (S, 1, D/2), in float32 at least."""
    wide = x if x.dtype == torch.float64 else x.float()
    # (B, S, H, D/2) complex
    numbers = torch.view_as_complex(wide.reshape(*x.shape[:-1], -1, 2).contiguous())
    return torch.view_as_real(numbers * freqs_cis).flatten(-2).to(x.dtype)  # (B, S, H, D)
