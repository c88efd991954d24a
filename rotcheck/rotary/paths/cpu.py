"""The compiled kernel for CPU tensors (kernel.c): one pass over memory, and no temporaries."""

import struct
from functools import lru_cache

import torch
from torch import Tensor
from torch.autograd import profiler

from rotcheck.rotary.call_plan import Plan
from rotcheck.rotary.paths import addresses

try:
    from rotcheck.rotary import _kernel
except ImportError as error:  # built where there is a C compiler, when rotcheck is installed
    _kernel, MISSING = None, f"its kernel was not built when rotcheck was installed ({error})"  # type: ignore[assignment]
else:
    MISSING = ""

name = "cpu-kernel"
_DTYPES = {torch.float32: 0, torch.float64: 1, torch.bfloat16: 2, torch.float16: 3}


def unfit(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, out: Tensor | None) -> str | None:
    """Why the kernel cannot take a call: not built, not plain CPU tensors,
    a dtype it does not know."""
    if _kernel is None:
        return MISSING
    if not (x.is_cpu and cos.is_cpu and sin.is_cpu):
        return f"x is on {x.device}, cos on {cos.device} and sin on {sin.device}"
    if x.dtype not in _DTYPES or cos.dtype not in _DTYPES or cos.dtype != sin.dtype:
        return f"the kernel has no code for {x.dtype} with tables in {cos.dtype} and {sin.dtype}"
    if plan.pairs > _kernel.MOST_PAIRS:
        return f"{plan.pairs} pairs in a head; the kernel has room for {_kernel.MOST_PAIRS}"
    return addresses.unfit(x, cos, sin, out)


def threads() -> int:
    """How many threads the kernel may use: torch's,
    or one where torch has loaded no OpenMP runtime."""
    return torch.get_num_threads() if _kernel is not None and _kernel.THREADS else 1


def rotate(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, out: Tensor | None) -> Tensor:
    """Rotate x as the plan says; a profile shows the kernel as `rotcheck::cpu_kernel`."""
    if profiler._is_profiler_enabled:
        with profiler.record_function("rotcheck::cpu_kernel"):
            return _rotate(x, cos, sin, plan, out)
    return _rotate(x, cos, sin, plan, out)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, out: Tensor | None) -> Tensor:
    out = torch.empty_like(x) if out is None else out
    _kernel.rotate(
        x.data_ptr(),
        out.data_ptr(),
        cos.data_ptr(),
        sin.data_ptr(),
        x.stride(),
        out.stride(),
        cos.stride(),
        sin.stride(),
        _plan_bytes(plan, _DTYPES[x.dtype], _DTYPES[cos.dtype]),
        torch.get_num_threads(),
    )
    return out


@lru_cache(maxsize=1024)
def _plan_bytes(plan: Plan, dtype: int, table_dtype: int) -> bytes:
    """The numbers of a plan in the order of `Plan` in kernel.c."""
    return struct.pack(
        "=22q",
        dtype,
        table_dtype,
        *plan.sizes,
        *plan.axes,
        *plan.table_axes,
        plan.pairs,
        plan.lanes,
        2 if plan.interleaved else 1,
        1 if plan.interleaved else plan.pairs,
        plan.table_step,
        plan.rotated_slots,
        plan.direction < 0,
        plan.offset,
    )
