"""Values that a narrower dtype holds as well: they were rounded to it on their way."""

import torch
from torch import Tensor


def narrow_dtype(values: Tensor, within: float) -> torch.dtype | None:
    """Which of bfloat16 and float16 holds each of these values; None: neither does.

    `values`: float64, none of them 0. `within`: relative,
    how far they may be from what the dtype holds.
    """
    for dtype in (torch.bfloat16, torch.float16):
        if bool((values.to(dtype).double() / values - 1).abs().max() < within):
            return dtype
    return None
