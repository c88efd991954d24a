"""rotcheck's own Triton kernel (triton_kernel.py): any layout in one pass, on a GPU that Triton knows."""

import importlib
import importlib.util
import os
from functools import cache
from types import ModuleType

import torch
from torch import Tensor

from rotcheck.rotary.paths import addresses, operations
from rotcheck.rotary.plan import Plan

name = "triton-kernel"
_DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
MOST_LANES = 2048  # of a head; a row of tiles must fit into registers
MOST_BATCHES = 65535  # programs along a grid's third axis


def unfit(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, inplace: bool) -> str | None:
    """Return why the kernel cannot take a call: no Triton, no GPU, a dtype or a size that it is not made for."""
    said = missing(x)
    if said:
        return said
    if x.dtype not in _DTYPES or cos.dtype not in _DTYPES or sin.dtype not in _DTYPES:
        return f"the kernel has no code for {x.dtype} with tables in {cos.dtype} and {sin.dtype}"
    if cos.device != x.device or sin.device != x.device:
        return f"x is on {x.device}, cos on {cos.device} and sin on {sin.device}"
    if plan.lanes > MOST_LANES:
        return f"a head has {plan.lanes} lanes; it takes {MOST_LANES}"
    if plan.sizes[0] > MOST_BATCHES:
        return f"there are {plan.sizes[0]} batches; it takes {MOST_BATCHES}"
    return addresses.unfit(x, cos, sin, inplace)


def missing(x: Tensor) -> str | None:
    """Return what Triton lacks to run on x."""
    if not (x.is_cuda or x.is_xpu or (x.is_cpu and _interpreted())):
        return f"x is on {x.device}, where Triton does not run"
    return None if _kernel() else "Triton is not installed"


def rotate(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, inplace: bool) -> Tensor:
    """Rotate x as the plan says."""
    out = x if inplace else torch.empty_like(x)
    module = _kernel()
    assert module is not None, "unfit() said so"
    tables = (operations.aligned(cos, plan), operations.aligned(sin, plan))  # broadcast over x's axes
    if x.numel():
        module.launch(x, out, *tables, plan, inplace)
    return out


def _interpreted() -> bool:
    """Return whether Triton runs on CPU tensors here; a process that never asked for it does not import Triton."""
    module = _kernel() if os.environ.get("TRITON_INTERPRET") == "1" else None
    return module is not None and bool(module.INTERPRETED)


@cache
def _kernel() -> ModuleType | None:
    if importlib.util.find_spec("triton") is None:
        return None
    return importlib.import_module("rotcheck.rotary.paths.triton_kernel")
