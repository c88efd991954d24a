"""The plain function under torch.compile."""

import torch


@torch.compile
def rotate(qkv, cos, sin):
    x1, x2 = qkv.chunk(2, -1)
    return qkv * cos + torch.cat((-x2, x1), -1) * sin
