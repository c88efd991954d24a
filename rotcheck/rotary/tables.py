"""The cos and sin tables in the forms that implementations take, computed in float64 and rounded once."""

from collections.abc import Callable

import torch
from torch import Tensor

from rotcheck.rotary.conventions import Pairing, TableForm, lanes

_COMPLEX = {torch.float64: torch.complex128}


def tables(form: TableForm, pairing: Pairing, angles: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Return the tables of the form for these angles, on the CPU.

    `angles`: (S, P) in radians, float64. The forms, with D = 2P:

    - `half-width`: cos and sin (S, P), as flash-attn takes them;
    - `repeated`: cos and sin (S, 1, D), each pair's value at both of its lanes;
    - `packed`: cos and sin (1, S, 3, 1, D) for packed qkv, as SEDD takes them: the V slot is 1 and 0;
    - `complex`: cos + i sin (S, 1, P), complex64, or complex128 for float64 (there is no half precision
      complex arithmetic to speak of).
    """
    return _FORMS[form](pairing, angles, dtype)


def _half_width(_: Pairing, angles: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
    return angles.cos().to(dtype), angles.sin().to(dtype)  # (S, P) each


def _repeated(pairing: Pairing, angles: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
    both = lanes(torch.stack((angles, angles), -1), pairing)[:, None]  # (S, 1, D)
    return both.cos().to(dtype), both.sin().to(dtype)


def _packed(pairing: Pairing, angles: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
    cos, sin = _repeated(pairing, angles, dtype)
    cos, sin = (table[None, :, None].repeat(1, 1, 3, 1, 1) for table in (cos, sin))  # (1, S, 3, 1, D)
    cos[:, :, 2], sin[:, :, 2] = 1.0, 0.0
    return cos, sin


def _complex(_: Pairing, angles: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
    exact = torch.complex(angles.cos(), angles.sin())[:, None]  # (S, 1, P) complex128
    return (exact.to(_COMPLEX.get(dtype, torch.complex64)),)


_FORMS: dict[TableForm, Callable[[Pairing, Tensor, torch.dtype], tuple[Tensor, ...]]] = {
    "half-width": _half_width,
    "repeated": _repeated,
    "packed": _packed,
    "complex": _complex,
}
