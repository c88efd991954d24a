"""Which tensors are cosines and sines, or were made of them: before they meet q or k."""

from collections.abc import Sequence
from typing import Any
from weakref import ReferenceType, ref

import torch
from torch import Tensor

from rotcheck.witness.call_record import tensors_in

_CIRCULAR = {
    torch.cos,
    torch.sin,
    Tensor.cos,
    Tensor.sin,
    Tensor.cos_,
    Tensor.sin_,
    torch.polar,
    torch.exp,
}


class CircularTensors:
    """Those of one pass, each known for as long as it is there."""

    def __init__(self) -> None:
        self._tensors: dict[int, ReferenceType[Tensor]] = {}

    def holds(self, x: Tensor) -> bool:
        """Whether a tensor is one of them."""
        known = self._tensors.get(id(x))
        return known is not None and known() is x

    def follow(self, func: Any, operands: Sequence[Tensor], result: Any) -> bool:
        """Know what an operation made of them: not where something larger had a part in it, as q.
        Returns whether the operation took cosines or sines."""
        outputs = [x for _, x in tensors_in(result)]
        begins = func in _CIRCULAR and (
            func is not torch.exp or any(x.is_complex() for x in outputs)
        )
        sizes = [x.numel() for x in operands if self.holds(x)]
        if begins or (sizes and max(sizes) == max(x.numel() for x in operands)):
            self._tensors |= {id(x): ref(x) for x in outputs}
        return begins
