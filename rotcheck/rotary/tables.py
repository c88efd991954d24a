"""The cos and sin tables in the forms that implementations take,
computed in float64 and rounded once."""

from functools import cache

import torch
from torch import Tensor

from rotcheck.convention import FORMS, Convention, Pairing, Sections
from rotcheck.convention.sections import sections
from rotcheck.rotary.frequencies import angles


def tables(
    form: str,
    pairing: Pairing,
    angles: Tensor,
    dtype: torch.dtype,
    axes: str = "",
    order: Sections = "blocks",
) -> tuple[Tensor, ...]:
    """The tables of the form for these angles, on the CPU: computed in float64 and rounded once.

    Args:
        form: with D = 2P,

            - `half-width`: cos and sin of P lanes, as flash-attn takes them;
            - `repeated`: cos and sin of D lanes, each pair's value at both of its lanes;
            - `packed`: the same for packed qkv, as SEDD takes them: the V slot is 1 and 0;
            - `complex`: cos + i sin of P lanes, complex64, or complex128 for float64 (there is no
              half precision complex arithmetic to speak of);
            - `stacked`: the same as real numbers, (..., P, 2); `stacked-sin-first`: sin, then cos;
            - `matrix`: [[cos, -sin], [sin, cos]] (..., P, 2, 2);
            - `angles`, `angles-repeated`: the angles themselves, of P and of D lanes,
              in float32 or float64.
        pairing: in which order tables of D lanes have each pair's value twice.
        angles: (S, P) or, for each batch row its own, (B, S, P), in radians, float64.
        dtype: of the tables.
        axes: where batch `b`, sequence `s`, slots `3` and lanes `w` lie, and which axes are `1`;
            empty: those of the form. `g` in front: three tables, for time, height and width
            (M-RoPE), of which each pair's angle stands in the one that `order` gives it, and
            another angle in the two others.
        order: of M-RoPE's sections: one after another (`blocks`), or dealt in turn (`interleaved`).

    Returns:
        A tensor, or two, for each argument that takes tables of this form.

    Raises:
        ValueError: there is no such form, or it is `positions`, which no table is made from.

    Example:
        >>> cos, sin = tables("half-width", "half", angles(torch.tensor([0, 1]), 4), torch.float32)
        >>> cos
        tensor([[1.0000, 1.0000],
                [0.5403, 0.9999]])
    """
    if form not in FORMS:
        raise ValueError(f"there are no {form} tables; forms are {', '.join(FORMS)}")
    angles = angles if angles.dim() == 3 else angles[None]  # (B, S, P)
    if "g" in axes:
        bare = _grid_tables(form, pairing, angles, dtype, order)
    else:
        bare = FORMS[form].make(pairing, angles, dtype)
    return tuple(place_axes(table, axes or FORMS[form].axes) for table in bare)


def tables_of(
    convention: Convention, angles: Tensor, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, ...]:
    """The tables that a call of this convention is given, of these angles:
    contiguous, and nobody else's memory."""
    if not convention.takes_tables:
        return ()
    form, pairing = convention.tables, convention.lane_order
    axes, order = convention.table_axes, convention.sections
    call_tables = tables(form, pairing, angles, dtype, axes, order)
    return tuple(table.contiguous().to(device, copy=True) for table in call_tables)


def section_axes(pairs: int, order: Sections) -> Tensor:
    """Which of time 0, height 1 and width 2 each pair turns with, shape (P,), int64.

    `blocks`: section after section (Qwen2-VL; arXiv 2409.12191, section 2.1). `interleaved`: dealt
    t, h, w, t, h, w, and time takes the rest (`recomposition_frequencies` of transformers'
    Qwen3-VL).
    """
    time, side, _ = sections(pairs)
    of_sides = {
        "blocks": (slice(time, time + side), slice(time + side, None)),
        "interleaved": (slice(1, 3 * side, 3), slice(2, 3 * side, 3)),
    }
    axes = torch.zeros(pairs, dtype=torch.int64, device="cpu")  # (P,)
    for axis, of_axis in enumerate(of_sides[order], 1):
        axes[of_axis] = axis
    return axes


def _grid_tables(
    form: str, pairing: Pairing, angles: Tensor, dtype: torch.dtype, order: Sections
) -> tuple[Tensor, ...]:
    """Tables with an axis of 3 in front; a pair that takes from the wrong one is 1 rad off."""
    owners = section_axes(angles.shape[-1], order)  # (P,)
    angles_by_axis = [angles + (owners != axis).double() for axis in range(3)]
    by_axis = [FORMS[form].make(pairing, one, dtype) for one in angles_by_axis]
    return tuple(torch.stack(table) for table in zip(*by_axis))  # (3, B, S, ...)


def place_axes(table: Tensor, axes: str) -> Tensor:
    """Place the axes of a table ([3,] B, S, [3,] W, ...),
    of which B is 1 or what the axes have room for."""
    if axes.startswith("g"):
        return torch.stack([place_axes(grid_table, axes[1:]) for grid_table in table])
    have = "bs3w" if "3" in axes else "bsw"
    if "3" in axes and table.shape[2] != 3:
        table = table.unsqueeze(2).expand(-1, -1, 3, *table.shape[2:])
    if "b" not in axes:
        table, have = table[0], have.replace("b", "")
    behind = tuple(range(len(have), table.dim()))
    lettered = axes.replace("1", "")
    table = table.permute([have.index(axis) for axis in lettered] + list(behind))
    for at, axis in enumerate(axes):
        if axis == "1":
            table = table.unsqueeze(at)
    return table


def cos_and_sin(
    form: str, call_tables: tuple[Tensor, ...], rotary_dim: int, theta: float, device: torch.device
) -> tuple[Tensor, Tensor]:
    """cos and sin of tables of any form, as views where they hold them.

    `rotary_dim`, `theta` and `device` are those of positions. Raises TypeError when it is not the
    number or the kind of tensors that the form has.
    """
    tables = FORMS.get(form) or FORMS["half-width"]  # `plan` refuses a form that is unknown
    count = 1 if form == "positions" else len(tables.roles)
    if len(call_tables) != count:
        raise TypeError(f"{form} tables are {_COUNT[count]}, not {len(call_tables)}")
    if form == "positions":
        return _of_positions(call_tables[0], rotary_dim, theta, device)
    return tables.read(call_tables)


def _of_positions(
    positions: Tensor, rotary_dim: int, theta: float, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Compute on the device; where it has no float64, on the CPU, and round once to float32."""
    if has_float64(device.type):
        exact = angles(positions, rotary_dim, theta, device)  # (..., P)
        return exact.cos(), exact.sin()  # (..., P) each
    exact = angles(positions, rotary_dim, theta)  # (..., P)
    return exact.cos().float().to(device), exact.sin().float().to(device)  # (..., P) each


def has_float64(kind: str) -> bool:
    """Whether devices of a kind, such as "cuda", have float64: Apple's have none."""
    return kind in ("cpu", "cuda", "meta") or (kind != "mps" and _makes_float64(kind))


@cache
def _makes_float64(kind: str) -> bool:
    """Whether a kind of device that we do not know makes a float64 number:
    asked once in a process."""
    try:
        torch.zeros((), dtype=torch.float64, device=kind)
    except (RuntimeError, TypeError):
        return False
    return True


_COUNT = {1: "one tensor", 2: "two tensors, cos and sin"}
