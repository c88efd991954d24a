"""rotcheck's own Triton kernel (triton_kernel.py):
any layout in one pass, on a GPU that Triton knows."""

import importlib
import importlib.util
import os
from functools import cache
from types import ModuleType

import torch
from torch import Tensor

from rotcheck.rotary.call_plan import Plan
from rotcheck.rotary.paths import addresses
from rotcheck.rotary.paths.tile import BYTES, head_count, tile

name = "triton-kernel"
_DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
MOST_PAIRS = 1024  # of a head: what a program holds in registers
MOST_PROGRAMS = 2**31 - 1  # along a grid's first axis
# positions or heads: counted in 32 bits, a tile that reaches over the end included
MOST_ROWS = 2**31 - BYTES


def unfit(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, out: Tensor | None) -> str | None:
    """Why the kernel cannot take a call: no Triton, no GPU,
    a dtype or a size that it is not made for."""
    reason = missing(x)
    if reason:
        return reason
    if x.dtype not in _DTYPES or cos.dtype not in _DTYPES or sin.dtype not in _DTYPES:
        return f"the kernel has no code for {x.dtype} with tables in {cos.dtype} and {sin.dtype}"
    if cos.device != x.device or sin.device != x.device:
        return f"x is on {x.device}, cos on {cos.device} and sin on {sin.device}"
    if plan.pairs > MOST_PAIRS:
        return f"{plan.pairs} pairs rotate in a head; a program has registers for {MOST_PAIRS}"
    longest = max(plan.sizes[1], head_count(plan, out is x))
    if longest > MOST_ROWS:
        return f"{longest} positions or heads in a row; it counts up to {MOST_ROWS}"
    close = x.stride(-1) == 1 and (out is None or out.stride(-1) == 1)
    programs = tile(plan, x.dtype == torch.float64, out is x, close).programs
    if programs > MOST_PROGRAMS:
        return f"it would take {programs} programs; a grid takes {MOST_PROGRAMS}"
    return addresses.unfit(x, cos, sin, out)


def missing(x: Tensor) -> str | None:
    """What Triton lacks to run on x."""
    if not (x.is_cuda or x.is_xpu or (x.is_cpu and _interprets())):
        return f"x is on {x.device}, where Triton does not run"
    return None if _kernel() else "Triton is not installed"


def rotate(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, out: Tensor | None) -> Tensor:
    """Rotate x as the plan says."""
    out = torch.empty_like(x) if out is None else out
    module = _kernel()
    assert module is not None, "unfit() said so"
    if x.numel():
        module.launch(x, out, cos, sin, plan)
    return out


def _interprets() -> bool:
    """Whether Triton runs on CPU tensors here;
    a process that never asked for it does not import Triton."""
    module = _kernel() if os.environ.get("TRITON_INTERPRET") == "1" else None
    return module is not None and bool(module.INTERPRETS)


@cache
def _kernel() -> ModuleType | None:
    if importlib.util.find_spec("triton") is None:
        return None
    return importlib.import_module("rotcheck.rotary.paths.triton_kernel")
