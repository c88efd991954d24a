"""flash-attn's own Triton kernel, which fuses roundings:
its values may differ from ours in the last bit."""

import importlib
import importlib.util
from functools import cache
from types import ModuleType

import torch
from torch import Tensor

from rotcheck.rotary.call_plan import Plan
from rotcheck.rotary.paths import addresses, operations, triton

name = "flash-attn"
MOST_LANES = 256  # of a head
# along the second and third axis of a grid; releases differ in what lies along them
MOST_BLOCKS = 65535
INDICES = 2**31  # it computes them in 32 bits
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def unfit(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, out: Tensor | None) -> str | None:
    """Why flash-attn cannot take a call: not here, not in one pass,
    or over a limit that it does not check."""
    missing = triton.missing(x) or kernel()[1]
    if missing:
        return missing
    if x.is_xpu:
        return f"x is on {x.device}; it starts its kernel only on CUDA devices"
    if plan.table_axes[0] >= 0 or plan.table_axes[2] >= 0 or plan.table_axes[3] >= 0:
        return "its tables are the same for every batch, slot and head"
    if x.dtype not in _DTYPES or not x.dtype == cos.dtype == sin.dtype:
        return f"releases of it want one of {_DTYPES} for all; x is {x.dtype}, cos {cos.dtype}, sin {sin.dtype}"
    if cos.device != x.device or sin.device != x.device:
        return f"x is on {x.device}, cos on {cos.device} and sin on {sin.device}"
    return _passes(x, plan, out) or addresses.unfit(x, cos, sin, out) or _beyond(x, plan)


def _passes(x: Tensor, plan: Plan, out: Tensor | None) -> str | None:
    """Why a call would take more than one pass over memory."""
    if out is not None and out is not x:
        return "it writes into x or into memory of its own, not into out"
    if plan.rotated_slots < plan.sizes[2] and out is None:
        return "out of place on packed qkv it would copy everything first: 5/3 of the traffic"
    if plan.lanes > 2 * plan.pairs and out is None:
        return f"out of place it copies the {plan.lanes - 2 * plan.pairs} lanes that stay with a second kernel"
    if plan.sizes[2] > 1 and not x.is_contiguous():
        return "packed qkv must be contiguous"
    return None


def _beyond(x: Tensor, plan: Plan) -> str | None:
    """Which of the kernel's limits a call is over."""
    if plan.lanes > MOST_LANES:
        return f"a head has {plan.lanes} lanes; it takes {MOST_LANES}"
    heads = _heads(x, plan)  # (B, S, H, D)
    most = MOST_BLOCKS * (8 if 2 * plan.pairs <= 128 else 4)
    if heads.shape[1] > most:
        return f"there are {heads.shape[1]} positions; its grid takes {most} with {2 * plan.pairs} lanes that rotate"
    for axis, what in ((0, "batches"), (2, "heads")):
        if heads.shape[axis] > MOST_BLOCKS:
            return f"there are {heads.shape[axis]} {what}; its grid takes {MOST_BLOCKS}"
    reach = sum((size - 1) * step for size, step in zip(heads.shape, heads.stride()))
    last = max(heads.numel() - 1, reach)
    if last >= INDICES:
        return f"the last element has index {last}; it computes indices in 32 bits, up to {INDICES - 1}"
    return None


def rotate(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, out: Tensor | None) -> Tensor:
    """Rotate x as the plan says, in place or into a new tensor."""
    library, _ = kernel()
    assert library is not None, "unfit() said so"
    tables = (_rows(cos, plan), _rows(sin, plan))  # (S, P) each
    flags = {"interleaved": plan.interleaved, "inplace": out is x, "conjugate": plan.direction < 0}
    result: Tensor = library.apply_rotary(_heads(x, plan), *tables, **flags)
    return x if out is x else _like(result, x, plan)


@cache
def kernel() -> tuple[ModuleType | None, str]:
    """flash-attn's module with the kernel, or why there is none."""
    if importlib.util.find_spec("flash_attn") is None:
        return None, "flash-attn is not installed"
    try:
        return importlib.import_module("flash_attn.ops.triton.rotary"), ""
    except ImportError as error:
        return None, f"flash-attn cannot be imported: {error}"


def _heads(x: Tensor, plan: Plan) -> Tensor:
    """View x as (B, S, H, D), the slots that rotate among the heads."""
    batch, sequence, slot, head = plan.axes
    if slot >= 0:
        return x[:, :, : plan.rotated_slots].flatten(2, 3)  # (B, S, 2H, D)
    return x.permute(batch, sequence, head, -1) if batch >= 0 else x[None]  # (B, S, H, D)


def _like(result: Tensor, x: Tensor, plan: Plan) -> Tensor:
    """(B, S, H, D) in the layout of x."""
    batch, sequence, slot, head = plan.axes
    if slot >= 0:
        return result.view(x.shape)  # (B, S, 3, H, D)
    if batch < 0:
        return result[0]  # (T, H, D)
    return result.permute(*(axis for _, axis in sorted(zip((batch, sequence, head), range(3)))), 3)


def _rows(table: Tensor, plan: Plan) -> Tensor:
    """The values (S, P) of the positions of a call."""
    flat = operations.align(table, plan).contiguous()
    return flat.view(plan.sizes[1], plan.pairs)  # (S, P)
