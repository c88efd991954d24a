"""The small kernel in Triton. Importing this file imports Triton."""

import torch
import triton  # type: ignore[import-not-found, import-untyped, unused-ignore]
import triton.language as tl  # type: ignore[import-not-found, import-untyped, unused-ignore]


@triton.jit  # type: ignore[misc, untyped-decorator, unused-ignore]
def _rotate(x, cos, partner, sin, out, SIZE: tl.constexpr):  # type: ignore[no-untyped-def]
    at = tl.arange(0, SIZE)
    rotation = tl.load(x + at) * tl.load(cos + at) + tl.load(partner + at) * tl.load(sin + at)
    tl.store(out + at, rotation)


def rotate(
    x: torch.Tensor, cos: torch.Tensor, partner: torch.Tensor, sin: torch.Tensor, out: torch.Tensor
) -> None:
    """Write x * cos + partner * sin to `out`; all five (2, 4), contiguous,
    of one dtype and device."""
    _rotate[(1,)](x, cos, partner, sin, out, out.numel())
