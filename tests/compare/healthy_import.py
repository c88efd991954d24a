"""A module whose import does what many imports do:
random numbers, a message, a temporary no_grad."""

import random
import tempfile

import torch

print("loading the kernels")
random.seed(1)
LABEL = random.random()
FOLDER = tempfile.gettempdir()
LAYER = torch.nn.Linear(2, 2)  # draws its weights
with torch.no_grad():
    TABLE = torch.arange(8).cos()


def rotate(qkv, cos, sin):
    x1, x2 = qkv.chunk(2, -1)
    return qkv * cos + torch.cat((-x2, x1), -1) * sin
