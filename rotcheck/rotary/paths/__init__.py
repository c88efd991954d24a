"""The code that rotates, one file for each way, and the choice between them.

A path has `name`; `unfit(x, cos, sin, plan, out)`, why it cannot take a call, or None; and
`rotate(x, cos, sin, plan, out)`, which writes into `out`, x itself in place, or into a new tensor
where it is None. All of them compute in float32 (float64 for float64) and round once; all but
flash-attn's do the same operations in the same order, so that which of them runs does not show in
the values.
"""

from types import ModuleType

import torch
from torch import Tensor
from torch.autograd import forward_ad

from rotcheck.rotary.call_plan import Plan
from rotcheck.rotary.paths import blocks, cpu, flash_attn, operations, triton

PATHS: tuple[ModuleType, ...] = (triton, flash_attn, cpu, blocks, operations)
"""In the order in which they are preferred."""

_ON_CPU = (cpu, blocks, operations)


def choose(x: Tensor, cos: Tensor, sin: Tensor, plan: Plan, out: Tensor | None) -> ModuleType:
    """The path for a call."""
    if tracing() is not None:
        return operations
    if torch.is_grad_enabled() and (cos.requires_grad or sin.requires_grad):
        return operations  # whose gradient reaches the tables too
    for path in _ON_CPU if x.is_cpu else PATHS:
        if path.unfit(x, cos, sin, plan, out) is None:
            return path
    return operations


def tracing() -> str | None:
    """Who is watching the operations of this call, which then must be PyTorch's own; or None."""
    if torch.compiler.is_compiling():
        return "torch.compile or torch.export is tracing"
    if torch._C._get_tracing_state() is not None:
        return "torch.jit.trace is tracing"
    if torch._C._are_functorch_transforms_active():
        return "a torch.func transform is active"
    if torch._C._len_torch_dispatch_stack():
        return "a TorchDispatchMode is active"
    if forward_ad._current_level >= 0:
        return "forward-mode differentiation is active"
    return None
