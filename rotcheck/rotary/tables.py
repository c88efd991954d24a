"""The cos and sin tables in the forms that implementations take, computed in float64 and rounded once."""

from collections.abc import Callable

import torch
from torch import Tensor

from rotcheck.rotary.conventions import Pairing, TableForm, lanes
from rotcheck.rotary.frequencies import angles

_COMPLEX = {torch.float64: torch.complex128}


def tables(form: TableForm, pairing: Pairing, angles: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Return the tables of the form for these angles, on the CPU.

    `angles`: (S, P) in radians, float64. The forms, with D = 2P:

    - `half-width`: cos and sin (S, P), as flash-attn takes them;
    - `repeated`: cos and sin (S, 1, D), each pair's value at both of its lanes;
    - `packed`: cos and sin (1, S, 3, 1, D) for packed qkv, as SEDD takes them: the V slot is 1 and 0;
    - `complex`: cos + i sin (S, 1, P), complex64, or complex128 for float64 (there is no half precision
      complex arithmetic to speak of);
    - `matrix`: [[cos, -sin], [sin, cos]] (S, 1, P, 2, 2);
    - `angles`: the angles themselves (S, P).

    Raises ValueError for `positions`, which no table is made from.
    """
    if form not in _FORMS:
        raise ValueError(f"there are no {form} tables; forms are {', '.join(_FORMS)}")
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


def _matrix(_: Pairing, angles: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
    cos, sin = angles.cos(), angles.sin()  # (S, P) each
    rows = torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)  # (S, P, 2, 2)
    return (rows[:, None].to(dtype),)  # (S, 1, P, 2, 2)


def _angles(_: Pairing, angles: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
    return (angles.to(dtype),)  # (S, P)


_FORMS: dict[TableForm, Callable[[Pairing, Tensor, torch.dtype], tuple[Tensor, ...]]] = {
    "half-width": _half_width,
    "repeated": _repeated,
    "packed": _packed,
    "complex": _complex,
    "matrix": _matrix,
    "angles": _angles,
}


def cos_and_sin(
    form: TableForm, given: tuple[Tensor, ...], rotary_dim: int, theta: float
) -> tuple[Tensor, Tensor]:
    """Return cos and sin of tables of any form, as views where they hold them.

    `rotary_dim` and `theta` are those of positions. Raises TypeError when it is not the number or the kind of
    tensors that the form has.
    """
    wanted = 1 if form in _READERS else 2
    if len(given) != wanted:
        raise TypeError(f"{form} tables are {_COUNT[wanted]}, not {len(given)}")
    if wanted == 2:
        return given[0], given[1]
    return _READERS[form](given[0], rotary_dim, theta)


def _of_complex(table: Tensor, rotary_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    if not table.is_complex():
        raise TypeError(f"complex tables have a complex dtype, not {table.dtype}")
    return table.real, table.imag  # (..., P) each


def _of_matrix(table: Tensor, rotary_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    if table.shape[-2:] != (2, 2):
        raise TypeError(f"matrix tables end in two axes of 2, not in {tuple(table.shape[-2:])}")
    return table[..., 0, 0], table[..., 1, 0]  # (..., P) each


def _of_angles(table: Tensor, rotary_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    if not table.is_floating_point():
        raise TypeError(
            f"angles have a floating point dtype, not {table.dtype}; for integers say form='positions'"
        )
    return table.cos(), table.sin()  # (..., P) each


def _of_positions(positions: Tensor, rotary_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    """Compute in float64, where the device has it, and hand over float32: one rounding."""
    exact = angles(positions, rotary_dim, theta)  # (..., P)
    narrow = torch.float32 if positions.device.type == "mps" else torch.float64
    return exact.cos().to(positions.device, narrow), exact.sin().to(positions.device, narrow)


_COUNT = {1: "one tensor", 2: "two tensors, cos and sin"}
_READERS: dict[TableForm, Callable[[Tensor, int, float], tuple[Tensor, Tensor]]] = {
    "complex": _of_complex,
    "matrix": _of_matrix,
    "angles": _of_angles,
    "positions": _of_positions,
}
