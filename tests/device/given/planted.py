"""Implementations that misbehave in float16 and rotate rightly in every other dtype,
and one that always does."""

import torch
from torch import Tensor

import rotcheck

CYCLES = 1 << 36  # half a minute at 2 GHz: more than a cell may take, and an end all the same
MUCH = 1 << 44  # bytes
FAR = 1 << 20  # rows of the table


def _rotated(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = qkv.chunk(2, -1)
    turned = qkv * cos + torch.cat((-b, a), -1) * sin
    return torch.cat((turned[:, :, :2], qkv[:, :, 2:]), 2).to(qkv.dtype)


@rotcheck.declare(pairing="half", layout="qkv", tables="packed")
def healthy(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate q and k."""
    return _rotated(qkv, cos, sin)


@rotcheck.declare(pairing="half", layout="qkv", tables="packed")
def endless(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Keep the device busy for longer than any limit; where no kernel can, the processor."""
    if qkv.dtype == torch.float16 and qkv.is_cuda:
        torch.cuda._sleep(CYCLES)
    while qkv.dtype == torch.float16 and not qkv.is_cuda:
        pass
    return _rotated(qkv, cos, sin)


@rotcheck.declare(pairing="half", layout="qkv", tables="packed")
def asserts(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Read a row that the table has not: a device-side assert on CUDA, IndexError on a CPU."""
    rows = torch.arange(cos.shape[1], device=cos.device)  # (S,)
    if qkv.dtype == torch.float16:
        rows = rows + FAR  # (S,)
    return _rotated(qkv, cos[:, rows], sin[:, rows])


@rotcheck.declare(pairing="half", layout="qkv", tables="packed")
def exhausts(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Ask for more memory than there is, at once: nobody else goes short."""
    if qkv.dtype == torch.float16:
        torch.empty(MUCH, dtype=torch.uint8, device=qkv.device)
    return _rotated(qkv, cos, sin)
