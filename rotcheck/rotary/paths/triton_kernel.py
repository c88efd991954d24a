"""The kernel: each program rotates some heads at some positions, with the tables of these read once."""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from math import gcd
from typing import Any

import torch
import triton  # type: ignore[import-not-found, import-untyped, unused-ignore]
import triton.language as tl  # type: ignore[import-not-found, import-untyped, unused-ignore]
from torch import Tensor

from rotcheck.rotary.paths.tile import head_count, tile
from rotcheck.rotary.plan import Plan

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
OPTIONS = {} if INTERPRETED else {"enable_fp_fusion": False}  # the same roundings as on the other paths


@triton.jit(do_not_specialize=["offset"])  # type: ignore[misc, untyped-decorator, unused-ignore]
def _rotate(  # type: ignore[no-untyped-def]
    X, OUT, COS, SIN,
    positions, offset, heads, rotated_heads, heads_per_slot,
    x_batch, x_position, x_slot, x_head, x_lane,
    out_batch, out_position, out_slot, out_head, out_lane,
    cos_batch, cos_position, cos_slot, cos_head, cos_lane,
    sin_batch, sin_position, sin_slot, sin_head, sin_lane,
    PAIRS: tl.constexpr, LANES: tl.constexpr, INTERLEAVED: tl.constexpr,
    UNIT: tl.constexpr, TABLE_UNIT: tl.constexpr,
    WIDE: tl.constexpr, BACKWARDS: tl.constexpr, WRITES_ALL: tl.constexpr, PER_HEAD: tl.constexpr,
    ROWS: tl.constexpr, HEADS: tl.constexpr, WIDTH: tl.constexpr, REST: tl.constexpr,
):  # fmt: skip
    program, head_tiles, row_tiles = tl.program_id(0), tl.cdiv(heads, HEADS), tl.cdiv(positions, ROWS)
    batch = (program // head_tiles // row_tiles).to(tl.int64)
    row = (program // head_tiles % row_tiles).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None, None]
    head = (program % head_tiles) * HEADS + tl.arange(0, HEADS)[None, :, None]
    slot, own = (head // heads_per_slot).to(tl.int64), (head % heads_per_slot).to(tl.int64)
    pair = tl.arange(0, WIDTH)[None, None, :].to(tl.int64)  # 64 bits: a stride times a lane may need them
    inside = (row < positions) & (head < heads)
    rotates = head < rotated_heads
    X += (batch * x_batch + row * x_position + slot * x_slot + own * x_head) * UNIT
    OUT += (batch * out_batch + row * out_position + slot * out_slot + own * out_head) * UNIT
    COS += (batch * cos_batch + (row + offset) * cos_position) * TABLE_UNIT + pair * cos_lane
    SIN += (batch * sin_batch + (row + offset) * sin_position) * TABLE_UNIT + pair * sin_lane
    read = (row < positions) & (pair < PAIRS)
    if PER_HEAD:
        COS += (slot * cos_slot + own * cos_head) * TABLE_UNIT
        SIN += (slot * sin_slot + own * sin_head) * TABLE_UNIT
        read = read & inside & rotates
    cos = tl.load(COS, mask=read, other=1.0).to(WIDE)
    sin = tl.load(SIN, mask=read, other=0.0).to(WIDE)
    if BACKWARDS:
        sin = -sin
    writes = inside if WRITES_ALL else inside & rotates
    if INTERLEAVED:  # both lanes of a pair at once
        lane = tl.arange(0, 2 * WIDTH)[None, None, :].to(tl.int64)
        mask = writes & (lane < 2 * PAIRS)
        neighbours = tl.load(X + lane * x_lane, mask=mask, other=0.0)
        a, b = tl.split(tl.reshape(neighbours, [ROWS, HEADS, WIDTH, 2]))
    else:
        mask = writes & (pair < PAIRS)
        a = tl.load(X + pair * x_lane, mask=mask, other=0.0)
        b = tl.load(X + (pair + PAIRS) * x_lane, mask=mask, other=0.0)
    wide_a, wide_b = a.to(WIDE), b.to(WIDE)
    first = tl.where(rotates, (wide_a * cos - wide_b * sin).to(a.dtype), a)
    second = tl.where(rotates, (wide_b * cos + wide_a * sin).to(b.dtype), b)
    if INTERLEAVED:
        tl.store(OUT + lane * out_lane, tl.interleave(first, second), mask=mask)
    else:
        tl.store(OUT + pair * out_lane, first, mask=mask)
        tl.store(OUT + (pair + PAIRS) * out_lane, second, mask=mask)
    if WRITES_ALL:
        for start in range(2 * PAIRS, LANES, REST):
            behind = start + tl.arange(0, REST)[None, None, :].to(tl.int64)
            stays = inside & (behind < LANES)
            tl.store(OUT + behind * out_lane, tl.load(X + behind * x_lane, mask=stays, other=0.0), mask=stays)


def launch(x: Tensor, out: Tensor, cos: Tensor, sin: Tensor, plan: Plan) -> None:
    """Run the kernel."""
    constexprs = constants(x, out, cos, sin, plan)
    unit, table_unit = constexprs["UNIT"], constexprs["TABLE_UNIT"]
    with (
        nullcontext()
        if x.is_cpu
        else torch.cuda.device(x.device)
        if x.is_cuda
        else torch.xpu.device(x.device)
    ):
        _rotate[(tile(x, out, plan).programs,)](
            x, out, cos, sin,
            plan.sizes[1], plan.offset,
            head_count(plan, out is x), plan.rotated_slots * plan.sizes[3], plan.sizes[3],
            *_in_units(x, plan.axes, unit), *_in_units(out, plan.axes, unit),
            *_in_units(cos, plan.table_axes, table_unit, plan.table_step),
            *_in_units(sin, plan.table_axes, table_unit, plan.table_step),
            **constexprs, **OPTIONS,
        )  # fmt: skip


def constants(x: Tensor, out: Tensor | None, cos: Tensor, sin: Tensor, plan: Plan) -> dict[str, Any]:
    """Return what the kernel is compiled for."""
    rows, heads, width, rest, _ = tile(x, out, plan)
    return {
        "PAIRS": plan.pairs, "LANES": plan.lanes, "INTERLEAVED": plan.interleaved,
        "UNIT": _unit(plan.axes, x, x if out is None else out), "TABLE_UNIT": _unit(plan.table_axes, cos, sin),
        "WIDE": tl.float64 if x.dtype == torch.float64 else tl.float32, "BACKWARDS": plan.direction < 0,
        "WRITES_ALL": out is not x, "PER_HEAD": plan.table_axes[2] >= 0 or plan.table_axes[3] >= 0,
        "ROWS": rows, "HEADS": heads, "WIDTH": width, "REST": rest,
    }  # fmt: skip


def _unit(axes: tuple[int, ...], *tensors: Tensor) -> int:
    """Return what all strides are multiples of, up to 16: a compiler that knows it moves 16 bytes at a time."""
    return gcd(16, *(stride for tensor in tensors for stride in _strides(tensor, axes)))


def _strides(tensor: Tensor, axes: tuple[int, ...]) -> list[int]:
    """Return the strides of batch, position, slot and head; 0 where there is nothing to step over."""
    shape, strides = tensor.shape, tensor.stride()
    return [strides[axis] if axis >= 0 and shape[axis] > 1 else 0 for axis in axes]


def _in_units(tensor: Tensor, axes: tuple[int, ...], unit: int, step: int = 1) -> Iterator[int]:
    """Yield the same in units, and the stride of a lane."""
    yield from (stride // unit for stride in _strides(tensor, axes))
    yield tensor.stride(-1) * step
