"""Tensors with marked memory around them, where a kernel may write to any address."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from rotcheck.identify.response import MARK, watched
from rotcheck.rotary.calls import Call

WIDER = 4  # times the largest tensor of the call: so far may one go that takes another's strides


def within(call: Call, device: torch.device) -> tuple[Call, Callable[[], list[bool]]]:
    """Return the same call with margins around its tensors, and what tells of each whether they were written to.

    Where nothing but PyTorch can write, and no margins are needed, none is ever told.
    """
    if not watched(device):
        return call, lambda: [False] * len(call.inputs)
    margin = WIDER * max(x.numel() for x in call.inputs)
    buffers = [_surrounded(x, margin) for x in call.inputs]
    inner = [buffer[margin:-margin].view(x.shape) for buffer, x in zip(buffers, call.inputs, strict=True)]
    return call.of(*inner), lambda: _spoilt(buffers, margin)


def _surrounded(x: Tensor, margin: int) -> Tensor:
    marks = x.new_full((margin,), MARK)
    return torch.cat((marks, x.flatten(), marks))


def _spoilt(buffers: Sequence[Tensor], margin: int) -> list[bool]:
    return [not bool((torch.cat((each[:margin], each[-margin:])) == MARK).all()) for each in buffers]
