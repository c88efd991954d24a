"""The rotary functions to import: the drop-in for packed qkv, and the one for every other form."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, get_args

import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from rotcheck.convention import Pairing
from rotcheck.declaration import declare
from rotcheck.rotary.call_plan import Arrangement, FormName, LayoutName, Plan, cached_plan, plan
from rotcheck.rotary.out_argument import check_out
from rotcheck.rotary.paths import choose, operations, tracing
from rotcheck.rotary.tables import cos_and_sin

QKV = Arrangement(layout="qkv", form="packed", exact_rows=True)
QKV_WITH_V = QKV._replace(rotate_v=True)


WAYS = (
    *(("", axes) for axes in ("sw", "bsw", "s1w")),
    *(("bshd", axes) for axes in ("1s1w", "bs1w")),
    *(("bhsd", axes) for axes in ("11sw", "b1sw")),
    *(("sbhd", axes) for axes in ("s11w", "sb1w")),
    *(("qkv", axes) for axes in ("1s11w", "1s31w")),
)
"""The layouts, empty for any, and axes of tables that `apply_rotary` takes,
as `rotcheck identify` tells them."""

CHOICES = (
    ("layout", get_args(LayoutName)),
    ("pairing", get_args(Pairing)),
    ("form=tables", ("half-width", "repeated", "packed", "complex", "matrix", "angles")),
    ("direction", ("1", "-1")),
)


def apply_rotary_pos_emb(
    qkv: Tensor,
    cos: Tensor,
    sin: Tensor,
    *,
    inplace: bool = False,
    rotate_v: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Rotate query and key of packed qkv: the drop-in for the function of this name
    in SEDD and its relatives.

    It computes in float32 (float64 for float64) and rounds once.
    Source: Su et al., RoFormer, arXiv 2104.09864, equation 34.

    Args:
        qkv: (B, S, 3, H, D), floating point.
        cos: (1, S, 3, 1, D) or (1, S, 1, 1, D), half pairing, each value at both lanes of its pair,
            in any floating dtype; (S, D) and (B, S, D) will do as well. Where it has a slot for
            each of q, k and v, as SEDD's has, that of q serves k too.
        sin: the same.
        inplace: write into qkv and return it.
        rotate_v: rotate the value like query and key; otherwise it comes back bit for bit.
        out: as in `apply_rotary`.

    Returns:
        (B, S, 3, H, D) in the dtype of qkv.

    Raises:
        ValueError: the shapes do not fit together; it names them.
        TypeError: a tensor is not floating point.
        RuntimeError: as `apply_rotary`, for `out`.

    Example:
        >>> cos, sin = tables("packed", "half", angles(torch.tensor([0, 1]), 4), torch.float32)
        >>> apply_rotary_pos_emb(torch.ones(1, 2, 3, 1, 4), cos, sin)[0, 1, :, 0]  # q, k and v
        tensor([[-0.3012,  0.9900,  1.3818,  1.0099],
                [-0.3012,  0.9900,  1.3818,  1.0099],
                [ 1.0000,  1.0000,  1.0000,  1.0000]])
    """
    return rotate(qkv, cos, sin, QKV_WITH_V if rotate_v else QKV, inplace, out=out)


@declare(
    pairing="half",
    layout="bshd",
    tables="half-width",
    table_axes="sw",
    arguments=("x", "cos", "sin"),
    ways=WAYS,
    choices=CHOICES,
)
def apply_rotary(
    x: Tensor,
    *tables: Tensor,
    layout: LayoutName = "bshd",
    pairing: Pairing = "half",
    form: FormName = "half-width",
    rotary_dim: int | None = None,
    theta: float = 10000.0,
    offset: int = 0,
    direction: int = 1,
    inplace: bool = False,
    rotate_v: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Rotate x by tables of any form.

    It computes in float32 (float64 for float64) and rounds once. It is differentiable in x, and in
    the tables where they ask for it. Source: Su et al., RoFormer, arXiv 2104.09864, equation 34.

    Args:
        x: floating point, with the axes of `layout`.
        tables: one or two tensors, by `form`. Their leading axes are (S,), (B, S), (S, 1), or those
            of x with 1 where the table is the same for all. There may be more rows than positions.
        layout: the axes of x: `bshd` (B, S, H, D), `bhsd` (B, H, S, D), `sbhd` (S, B, H, D), `thd`
            (T, H, D), one row of the tables a token, or `qkv` (B, S, 3, H, D).
        pairing: `half` rotates lane i with i + rotary_dim/2, `interleaved` 2i with 2i + 1.
        form: what `tables` are, with P = rotary_dim / 2:

            - `half-width`: cos, sin of width P;
            - `repeated`, `packed`: cos, sin of width 2P, each value at both lanes of its pair;
            - `complex`: one complex tensor of width P;
            - `stacked`: the same as real numbers, (..., P, 2); `stacked-sin-first`: sin, then cos;
            - `matrix`: one (..., P, 2, 2), [[cos, -sin], [sin, cos]];
            - `angles`, `angles-repeated`: one of width P or 2P, in radians;
            - `positions`: integers, whose angles are position * theta ** (-2i / rotary_dim). Their
              tables are computed in float64 on the device of x, where a call waits for nothing and
              can be captured into a CUDA graph. A device without float64, as Apple's, has them
              computed on the CPU, which waits for the device and copies positions and tables,
              rounded once to float32.
        rotary_dim: how many lanes rotate; the others stay. None: what the tables say;
            of positions, all.
        theta: of positions.
        offset: the row of the tables that belongs to the first position.
        direction: 1, or -1 to rotate by minus the angle.
        inplace: write into x and return it.
        rotate_v: of `qkv`, rotate V too.
        out: a tensor of the shape, dtype and device of x, of any strides, that the whole result is
            written into, what stays as it was included; it is returned. The kernels for CPU and GPU
            then ask for no memory, so that a CUDA graph can hold the call; PyTorch's own operations
            still do. `out=x` is x in place. As in torch, nothing is recorded for a gradient.

    Returns:
        The shape and dtype of x.

    Raises:
        ValueError: the shapes do not fit together, or a word is none of these; it names them. `out`
            has another shape or device, shares memory with itself, with a part of x or with a
            table, or comes together with `inplace`.
        TypeError: the tables are not of the form, a tensor is not floating point,
            or `out` has another dtype.
        RuntimeError: `out` is given where a tensor asks for a gradient and gradients are enabled.

    Example:
        >>> x = torch.ones(1, 2, 1, 4)  # (B, S, H, D)
        >>> apply_rotary(x, torch.tensor([0, 1]), form="positions")[0, :, 0]
        tensor([[ 1.0000,  1.0000,  1.0000,  1.0000],
                [-0.3012,  0.9900,  1.3818,  1.0099]])
    """
    arrangement = Arrangement(layout, pairing, form, rotary_dim, offset, direction, rotate_v)
    cos, sin = cos_and_sin(form, tables, rotary_dim or x.shape[-1], theta, x.device)
    return rotate(x, cos, sin, arrangement, inplace, out=out)


def rotate(
    x: Tensor,
    cos: Tensor,
    sin: Tensor,
    arrangement: Arrangement,
    inplace: bool,
    path: ModuleType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Rotate x as arranged, on the path given or on the one that is best for the call."""
    if out is not None:
        check_out(out, x, cos, sin, inplace)
    if inplace:
        out = x
    if torch.compiler.is_compiling():  # sizes may be symbols: nothing to look up
        return operations.rotate(x, cos, sin, plan(arrangement, x.shape, cos.shape, sin.shape), out)
    return _turn(x, cos, sin, cached_plan(arrangement, x.shape, cos.shape, sin.shape), out, path)


def _turn(
    x: Tensor,
    cos: Tensor,
    sin: Tensor,
    call_plan: Plan,
    out: Tensor | None,
    path: ModuleType | None = None,
) -> Tensor:
    taken_path = path or choose(x, cos, sin, call_plan, out)
    if taken_path is operations or not (x.requires_grad and torch.is_grad_enabled()):
        return _on(taken_path, x, cos, sin, call_plan, out)
    return _on_a_path_of_our_own(x, cos, sin, call_plan, out is x, taken_path)


class _Rotation(torch.autograd.Function):
    """A rotation by code that autograd cannot see into; its gradient is the inverse rotation."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        call_plan: Plan,
        inplace: bool,
        path: ModuleType,
    ) -> Tensor:
        """Rotate, and keep the tables."""
        ctx.save_for_backward(cos, sin)
        ctx.make, ctx.path = call_plan, path
        if inplace:
            ctx.mark_dirty(x)
        return _on(path, x, cos, sin, call_plan, x if inplace else None)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Rotate the gradient back, on the same path if it can."""
        cos, sin = ctx.saved_tensors
        back, path = ctx.make.reversed(), ctx.path
        is_same_path = tracing() is None and path.unfit(gradient, cos, sin, back, None) is None
        of_x = _turn(gradient, cos, sin, back, None, path if is_same_path else None)
        return of_x, None, None, None, None, None


_on_a_path_of_our_own: Callable[..., Tensor] = _Rotation.apply


def _on(
    path: ModuleType, x: Tensor, cos: Tensor, sin: Tensor, call_plan: Plan, out: Tensor | None
) -> Tensor:
    result: Tensor = path.rotate(x, cos, sin, call_plan, out)
    if out is not None and path is not operations:
        increment_version(out)  # autograd cannot see what is written by address
    return result
