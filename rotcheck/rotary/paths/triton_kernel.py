"""The kernel: each program rotates some heads at some positions, with the tables of these read once."""

import os
from contextlib import nullcontext

import torch
import triton  # type: ignore[import-not-found, import-untyped, unused-ignore]
import triton.language as tl  # type: ignore[import-not-found, import-untyped, unused-ignore]
from torch import Tensor

from rotcheck.rotary.plan import Plan

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
ELEMENTS = 4096  # of a program's tile


@triton.jit  # type: ignore[misc, untyped-decorator, unused-ignore]
def _rotate(  # type: ignore[no-untyped-def]
    X, OUT, COS, SIN,
    positions, heads, rotated_heads, heads_per_slot,
    x_batch, x_position, x_slot, x_head, x_lane,
    out_batch, out_position, out_slot, out_head, out_lane,
    cos_batch, cos_position, cos_slot, cos_head, cos_lane,
    sin_batch, sin_position, sin_slot, sin_head, sin_lane,
    PAIRS: tl.constexpr, LANES: tl.constexpr, STEP: tl.constexpr, GAP: tl.constexpr,
    WIDE: tl.constexpr, BACKWARDS: tl.constexpr, WRITES_ALL: tl.constexpr, PER_HEAD: tl.constexpr,
    ROWS: tl.constexpr, HEADS: tl.constexpr, WIDTH: tl.constexpr, REST: tl.constexpr,
):  # fmt: skip
    batch = tl.program_id(2).to(tl.int64)
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS)).to(tl.int64)[:, None, None]
    head = (tl.program_id(1) * HEADS + tl.arange(0, HEADS)).to(tl.int64)[None, :, None]
    pair = tl.arange(0, WIDTH)[None, None, :]
    slot, own = head // heads_per_slot, head % heads_per_slot
    inside = (row < positions) & (head < heads)
    rotates = head < rotated_heads
    X += batch * x_batch + row * x_position + slot * x_slot + own * x_head
    OUT += batch * out_batch + row * out_position + slot * out_slot + own * out_head
    COS += batch * cos_batch + row * cos_position + pair * cos_lane
    SIN += batch * sin_batch + row * sin_position + pair * sin_lane
    read = (row < positions) & (pair < PAIRS)
    if PER_HEAD:
        COS += slot * cos_slot + own * cos_head
        SIN += slot * sin_slot + own * sin_head
        read = read & inside & rotates
    cos = tl.load(COS, mask=read, other=1.0).to(WIDE)
    sin = tl.load(SIN, mask=read, other=0.0).to(WIDE)
    if BACKWARDS:
        sin = -sin
    mask = inside & (pair < PAIRS)
    if not WRITES_ALL:
        mask = mask & rotates
    first, second = pair * STEP, pair * STEP + GAP
    a = tl.load(X + first * x_lane, mask=mask, other=0.0)
    b = tl.load(X + second * x_lane, mask=mask, other=0.0)
    wide_a, wide_b = a.to(WIDE), b.to(WIDE)
    rotated_a = (wide_a * cos - wide_b * sin).to(a.dtype)
    rotated_b = (wide_b * cos + wide_a * sin).to(b.dtype)
    tl.store(OUT + first * out_lane, tl.where(rotates, rotated_a, a), mask=mask)
    tl.store(OUT + second * out_lane, tl.where(rotates, rotated_b, b), mask=mask)
    if WRITES_ALL and LANES > 2 * PAIRS:
        lane = 2 * PAIRS + tl.arange(0, REST)[None, None, :]
        behind = inside & (lane < LANES)
        tl.store(OUT + lane * out_lane, tl.load(X + lane * x_lane, mask=behind, other=0.0), mask=behind)


def launch(x: Tensor, out: Tensor, cos: Tensor, sin: Tensor, plan: Plan, inplace: bool) -> None:
    """Run the kernel; cos and sin have the axes of x, of size 1 where they are the same for all."""
    batch, positions, slots, heads = plan.sizes
    rotated = plan.rotated_slots * heads
    width = triton.next_power_of_2(plan.pairs)
    rows = max(1, min(8, triton.next_power_of_2(positions)))
    per_program = max(1, min(triton.next_power_of_2(slots * heads), ELEMENTS // (2 * width * rows)))
    written = rotated if inplace else slots * heads
    grid = (triton.cdiv(positions, rows), triton.cdiv(written, per_program), batch)
    with (
        nullcontext()
        if x.is_cpu
        else torch.cuda.device(x.device)
        if x.is_cuda
        else torch.xpu.device(x.device)
    ):
        _rotate[grid](
            x, out, cos, sin,
            positions, written, rotated, heads,
            *_strides(x, plan), *_strides(out, plan), *_strides(cos, plan), *_strides(sin, plan),
            PAIRS=plan.pairs, LANES=plan.lanes,
            STEP=2 if plan.interleaved else 1, GAP=1 if plan.interleaved else plan.pairs,
            WIDE=tl.float64 if x.dtype == torch.float64 else tl.float32,
            BACKWARDS=plan.direction < 0, WRITES_ALL=not inplace,
            PER_HEAD=plan.table_axes[2] >= 0 or plan.table_axes[3] >= 0,
            ROWS=rows, HEADS=per_program, WIDTH=width,
            REST=triton.next_power_of_2(max(1, plan.lanes - 2 * plan.pairs)),
            **({} if INTERPRETED else {"enable_fp_fusion": False}),  # the same roundings as on the other paths
        )  # fmt: skip


def _strides(tensor: Tensor, plan: Plan) -> tuple[int, ...]:
    """Return the strides of batch, position, slot, head and lane; 0 where there is nothing to step over."""
    axes = (axis if axis >= 0 and tensor.shape[axis] > 1 else -1 for axis in plan.axes)
    return (*(tensor.stride(axis) if axis >= 0 else 0 for axis in axes), tensor.stride(-1))
