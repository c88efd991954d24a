"""The kernel: each program rotates some heads at some positions,
with the tables of these read once."""

import os
from contextlib import nullcontext
from functools import lru_cache
from itertools import chain
from math import gcd
from typing import Any, NamedTuple

import torch
import triton  # type: ignore[import-not-found, import-untyped, unused-ignore]
import triton.language as tl  # type: ignore[import-not-found, import-untyped, unused-ignore]
from torch import Tensor

from rotcheck.rotary.call_plan import Plan
from rotcheck.rotary.paths.tile import head_count, tile

Strides = tuple[int, ...]
INTERPRETS = os.environ.get("TRITON_INTERPRET") == "1"
# the same roundings as on the other paths
OPTIONS = {} if INTERPRETS else {"enable_fp_fusion": False}


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
    program, head_tiles, row_tiles = (
        tl.program_id(0),
        tl.cdiv(heads, HEADS),
        tl.cdiv(positions, ROWS),
    )
    batch = (program // head_tiles // row_tiles).to(tl.int64)
    row = (program // head_tiles % row_tiles).to(tl.int64) * ROWS + tl.arange(0, ROWS)[
        :, None, None
    ]
    head = (program % head_tiles) * HEADS + tl.arange(0, HEADS)[None, :, None]
    slot, own = (head // heads_per_slot).to(tl.int64), (head % heads_per_slot).to(tl.int64)
    # 64 bits: a stride times a lane may need them
    pair = tl.arange(0, WIDTH)[None, None, :].to(tl.int64)
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
            tl.store(
                OUT + behind * out_lane,
                tl.load(X + behind * x_lane, mask=stays, other=0.0),
                mask=stays,
            )


class Launch(NamedTuple):
    """What a launch is told beside the tensors."""

    programs: int
    numbers: tuple[int, ...]
    constexprs: dict[str, Any]


def launch(x: Tensor, out: Tensor, cos: Tensor, sin: Tensor, plan: Plan) -> None:
    """Run the kernel."""
    strides = (x.stride(), out.stride(), cos.stride(), sin.stride())
    programs, numbers, constexprs = prepare(plan, x.dtype == torch.float64, out is x, *strides)
    with (
        nullcontext()
        if x.is_cpu
        else torch.cuda.device(x.device)
        if x.is_cuda
        else torch.xpu.device(x.device)
    ):
        _rotate[(programs,)](x, out, cos, sin, *numbers, **constexprs, **OPTIONS)


@lru_cache(maxsize=1024)
def prepare(
    plan: Plan, double: bool, inplace: bool, x: Strides, out: Strides, cos: Strides, sin: Strides
) -> Launch:
    """What the kernel is told for tensors with these strides;
    worked out once for each set of them."""
    rows, heads, width, rest, programs = tile(plan, double, inplace, x[-1] == out[-1] == 1)
    unit, own = _in_units(plan.axes, x, out, sizes=plan.sizes)
    table_unit, tables = _in_units(plan.table_axes, cos, sin)
    constexprs = {
        "PAIRS": plan.pairs, "LANES": plan.lanes, "INTERLEAVED": plan.interleaved,
        "UNIT": unit, "TABLE_UNIT": table_unit,
        "WIDE": tl.float64 if double else tl.float32, "BACKWARDS": plan.direction < 0,
        "WRITES_ALL": not inplace, "PER_HEAD": plan.table_axes[2] >= 0 or plan.table_axes[3] >= 0,
        "ROWS": rows, "HEADS": heads, "WIDTH": width, "REST": rest,
    }  # fmt: skip
    step, each, count = plan.table_step, plan.sizes[3], head_count(plan, inplace)
    counts = (plan.sizes[1], plan.offset, count, plan.rotated_slots * each, each)
    lanes = (x[-1], out[-1], step * cos[-1], step * sin[-1])
    strides = (n for axes, lane in zip((*own, *tables), lanes, strict=True) for n in (*axes, lane))
    return Launch(programs, (*counts, *strides), constexprs)


def _in_units(
    axes: tuple[int, ...], *tensors: Strides, sizes: tuple[int, ...] = (2, 2, 2, 2)
) -> tuple[int, list[list[int]]]:
    """The strides of batch, position, slot and head, 0 where there is nothing to step over,
    in a common unit.

    A compiler that knows of such a unit, up to 16, moves 16 bytes at a time.
    """
    apart = [
        [
            strides[axis] if axis >= 0 and size > 1 else 0
            for axis, size in zip(axes, sizes, strict=True)
        ]
        for strides in tensors
    ]
    unit = gcd(16, *chain(*apart))
    return unit, [[stride // unit for stride in strides] for strides in apart]
