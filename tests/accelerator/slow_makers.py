"""What takes so long to import that several conditions share a process,
and ends its device under one of them."""

import time

import torch
from makers import Rows
from torch import Tensor

time.sleep(1.2)


class DiesInHalf(Rows):
    def forward(self, position_ids: Tensor) -> tuple[Tensor, ...]:
        if self.cos_sin.dtype == torch.float16:
            position_ids = position_ids + 512
        return super().forward(position_ids)
