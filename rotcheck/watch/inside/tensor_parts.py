"""The part of a tensor that is looked at: enough rows to judge a rotation, and little memory."""

import torch
from torch import Tensor
from torch.nn import Parameter

MOST_ELEMENTS = 1 << 20  # of a part
PLACES = 2  # of the batch and of the heads, where there is no room for all
_KINDS = (Tensor, Parameter)


def looks_wide(x: object) -> bool:
    """Whether it is a plain tensor with values, which can hold lanes in rows."""
    if type(x) not in _KINDS:  # fake ones, and those that stand for parts on other ranks
        return False
    assert isinstance(x, Tensor)
    if x.layout != torch.strided or x.device.type == "meta" or x.dim() < 2:
        return False
    return bool(x.numel()) and (x.is_floating_point() or x.is_complex())


def part(x: Tensor, most: int = MOST_ELEMENTS) -> Tensor:
    """The first places along the batch, then along the heads, then rows of the sequence.

    Two tensors of one shape have the same part; all lanes stay.
    """
    rows = max(1, most // x.shape[-1])
    for axis in _axes(x):
        other_rows = x[..., 0].numel() // x.shape[axis]
        if other_rows * x.shape[axis] <= rows:
            break
        x = x.narrow(axis, 0, min(x.shape[axis], max(PLACES, rows // max(1, other_rows))))
    return x


def _axes(x: Tensor) -> list[int]:
    """The axes but the last, in the order in which they are cut: of four or more the first is the
    batch; the longest is the sequence."""
    axes = sorted(range(x.dim() - 1), key=lambda axis: x.shape[axis])
    if len(axes) > 2 and axes[-1] != 0:
        axes.remove(0)
        axes.insert(0, 0)
    return axes
