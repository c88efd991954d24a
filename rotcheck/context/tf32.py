"""TF32, matrix products whose operands are rounded to 10 bits of mantissa: real, or emulated."""

from typing import Any

import torch
from torch import Tensor

from rotcheck.measure.dispatch import DispatchMode

DROPPED_BITS = 13  # of float32's 23 bits
SIDE = 256  # of matrices large enough for what multiplies in TF32
PRODUCTS = {"mm", "bmm", "addmm", "baddbmm", "addbmm", "matmul", "linear", "einsum"}


class TF32Emulation(DispatchMode):
    """Within the `with` block, matrix products of float32 tensors take their operands in TF32."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket.__name__ in PRODUCTS:
            args = tuple(round_to_tf32(a) if isinstance(a, Tensor) else a for a in args)
        return func(*args, **(kwargs or {}))


def round_to_tf32(x: Tensor) -> Tensor:
    """A float32 tensor rounded to TF32, to nearest and ties to even; any other tensor unchanged."""
    if x.dtype != torch.float32:
        return x
    bits = x.contiguous().view(torch.int32)
    odd = (bits >> DROPPED_BITS) & 1
    near = bits + (1 << (DROPPED_BITS - 1)) - 1 + odd
    return ((near >> DROPPED_BITS) << DROPPED_BITS).view(torch.float32)


def has_tf32(device: torch.device) -> bool:
    """Whether the device's own matrix products round so, as torch is set now."""
    # one more than TF32 holds exactly
    odd = torch.full((SIDE, SIDE), 2049.0, device="cpu").to(device)
    product = odd @ torch.eye(SIDE, device="cpu").to(device)
    return bool((product.cpu() != 2049.0).any())
