"""PyTorch's own operations: on any device, traced,
transformed and differentiated like any others."""

import torch
from torch import Tensor

from rotcheck.rotary.call_plan import Plan

name = "operations"


def unfit(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, out: Tensor | None) -> str | None:
    """None: PyTorch takes every call."""
    return None


def rotate(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, out: Tensor | None) -> Tensor:
    """Rotate x as the plan says, with temporaries of the size of x unless
    a compiler fuses them away.

    Raises TypeError for tensors that are not floating point.
    """
    for tensor_name, tensor in (("x", x), ("cos", cos), ("sin", sin)):
        if not tensor.is_floating_point():
            raise TypeError(
                f"{tensor_name} has dtype {tensor.dtype}; what is rotated, and by what, is floating point"
            )
    result = _slots(x, align(cos, plan), align(sin, plan), plan)
    return result if out is None else out.copy_(result)


def align(table: Tensor, plan: Plan) -> Tensor:
    """The table's values of each pair, its axes in the order of x's,
    1 where it is the same for all."""
    rows, slots = plan.table_axes[1], plan.table_axes[2]
    width = slice(None, None, 2) if plan.table_step == 2 else slice(plan.pairs)
    table = table[..., width].narrow(rows, plan.offset, plan.sizes[1])
    if slots >= 0:
        table = table.narrow(slots, 0, plan.rotated_slots)
    axes = zip(plan.axes, plan.table_axes, strict=True)
    places = sorted((axis, table_axis) for axis, table_axis in axes if axis >= 0)
    table_axes = [table_axis for _, table_axis in places if table_axis >= 0]
    # the first of them serves all
    other_axes = [axis for axis in range(table.dim() - 1) if axis not in table_axes]
    table = table.permute(*other_axes, *table_axes, -1)
    for _ in other_axes:
        table = table.select(0, 0)
    for place, (_, table_axis) in enumerate(places):
        if table_axis < 0:
            table = table.unsqueeze(place)
    return table


def _slots(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan) -> Tensor:
    """Rotate the slots that rotate, and put the others behind them."""
    if plan.rotated_slots == plan.sizes[2]:
        return heads(x, cos, sin, plan)
    result = heads(x.narrow(2, 0, plan.rotated_slots), cos, sin, plan)  # (B, S, 2, H, D)
    return torch.cat((result, x.narrow(2, plan.rotated_slots, 1)), 2)  # (B, S, 3, H, D)


def heads(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan) -> Tensor:
    """Rotate the lanes of every head of x (..., D) by tables (..., P) that broadcast over it."""
    wide = torch.float64 if x.dtype == torch.float64 else torch.float32
    a, b = (half.to(wide) for half in lane_pairs(x, plan))  # (..., P) each
    cos, sin = cos.to(wide), plan.direction * sin.to(wide)  # (..., P) each
    # (..., P) each
    first, second = (a * cos - b * sin).to(x.dtype), (b * cos + a * sin).to(x.dtype)
    rest = (x[..., 2 * plan.pairs :],) if plan.lanes > 2 * plan.pairs else ()
    if not plan.interleaved:
        return torch.cat((first, second, *rest), -1)  # (..., D)
    result = torch.stack((first, second), -1).flatten(-2)  # (..., 2P)
    return torch.cat((result, *rest), -1) if rest else result


def lane_pairs(lanes: Tensor, plan: Plan) -> tuple[Tensor, Tensor]:
    """View the first and the second lane of each pair that rotates, of lanes (..., D),
    as (..., P) each."""
    if plan.interleaved:
        return lanes[..., 0 : 2 * plan.pairs : 2], lanes[..., 1 : 2 * plan.pairs : 2]
    return lanes[..., : plan.pairs], lanes[..., plan.pairs : 2 * plan.pairs]
