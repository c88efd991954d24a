"""Tensors with marked memory around them, where a kernel may write to any address."""

from collections.abc import Callable

import torch

from rotcheck.convention.calls import Call
from rotcheck.identify.reading.caller import WIDER, watches_memory
from rotcheck.measure.fences import fence, is_overwritten


def within(call: Call, device: torch.device) -> tuple[Call, Callable[[], list[bool]]]:
    """Return the same call with margins around its tensors, and what tells of each whether they were written to.

    Where nothing but PyTorch can write, and no margins are needed, none is ever told.
    """
    if not watches_memory(device):
        return call, lambda: [False] * len(call.inputs)
    margin = WIDER * max(x.numel() for x in call.inputs)
    buffers, inner = zip(*(fence(x.contiguous(), margin) for x in call.inputs))
    return call.of(*inner), lambda: [is_overwritten(each, margin) for each in buffers]
