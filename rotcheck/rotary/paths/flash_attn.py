"""flash-attn's own Triton kernel, where it can run and does the whole of a call in one pass."""

import importlib
import importlib.util
from functools import cache
from types import ModuleType

import torch
from torch import Tensor

from rotcheck.rotary.paths import addresses, operations, triton
from rotcheck.rotary.plan import Plan

name = "flash-attn"
MOST_LANES = 256  # of a head
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def unfit(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, inplace: bool) -> str | None:
    """Return why flash-attn cannot take a call: not here, no GPU, or not in one pass."""
    missing = triton.missing(x) or kernel()[1]
    if missing:
        return missing
    if plan.table_axes[0] >= 0 or plan.table_axes[2] >= 0 or plan.table_axes[3] >= 0:
        return "its tables are the same for every batch, slot and head"
    if x.dtype not in _DTYPES or cos.dtype not in _DTYPES or cos.dtype != sin.dtype or cos.device != x.device:
        return f"it computes in float32 on one device; x is {x.dtype}, cos {cos.dtype} on {cos.device}, sin {sin.dtype}"
    if plan.lanes > MOST_LANES:
        return f"a head has {plan.lanes} lanes; it takes {MOST_LANES}"
    if plan.rotated_slots < plan.sizes[2] and not inplace:
        return "out of place on packed qkv it would copy everything first: 5/3 of the traffic"
    if plan.sizes[2] > 1 and not x.is_contiguous():
        return "packed qkv must be contiguous"
    return addresses.unfit(x, cos, sin, inplace)


def rotate(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, inplace: bool) -> Tensor:
    """Rotate x as the plan says."""
    library, _ = kernel()
    assert library is not None, "unfit() said so"
    tables = (_rows(cos, plan), _rows(sin, plan))  # (S, P) each
    turned = {"interleaved": plan.interleaved, "inplace": inplace, "conjugate": plan.direction < 0}
    rotated: Tensor = library.apply_rotary(_heads(x, plan), *tables, **turned)
    return x if inplace else _like(rotated, x, plan)


@cache
def kernel() -> tuple[ModuleType | None, str]:
    """Return flash-attn's module with the kernel, or why there is none."""
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


def _like(rotated: Tensor, x: Tensor, plan: Plan) -> Tensor:
    """Return (B, S, H, D) in the layout of x."""
    batch, sequence, slot, head = plan.axes
    if slot >= 0:
        return rotated.view(x.shape)  # (B, S, 3, H, D)
    if batch < 0:
        return rotated[0]  # (T, H, D)
    return rotated.permute(*(axis for _, axis in sorted(zip((batch, sequence, head), range(3)))), 3)


def _rows(table: Tensor, plan: Plan) -> Tensor:
    """Return the values (S, P) of the positions of a call."""
    flat = operations.aligned(table, plan).contiguous()
    return flat.view(plan.sizes[1], plan.pairs)  # (S, P)
