"""Tensors with marked memory around them, where a kernel may write to any address."""

from collections.abc import Callable

import torch

from rotcheck.convention.calls import Call
from rotcheck.identify.reading.caller import WIDER, watches_memory
from rotcheck.measure.fences import fence, is_overwritten


def add_margins(call: Call, device: torch.device) -> tuple[Call, Callable[[], list[bool]]]:
    """The same call with margins around its tensors, and what tells which of these were written to.

    Where nothing but PyTorch can write, no margins are needed, and none is ever written to.
    """
    if not watches_memory(device):
        return call, lambda: [False] * len(call.inputs)
    margin = WIDER * max(x.numel() for x in call.inputs)
    buffers, inputs = zip(*(fence(x.contiguous(), margin) for x in call.inputs))
    return call.of(*inputs), lambda: [is_overwritten(buffer, margin) for buffer in buffers]
