"""Torch's switches at their defaults for as long as rotcheck works,
and as the user left them afterwards."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from rotcheck.measure.switch_worlds import restore_afterwards

SEED = 20260107  # of rotcheck alone


@contextmanager
def torch_defaults() -> Iterator[None]:
    """Set what a worker process would start with, and set it back."""
    with restore_afterwards(), torch.inference_mode(False):
        torch.set_default_dtype(torch.float32)
        # a default that is set slows every call of torch
        if torch.get_default_device().type != "cpu":
            torch.set_default_device("cpu")
        torch.set_num_threads(1)  # for small tensors: threads would only wait for each other
        torch.set_grad_enabled(True)
        torch.set_autocast_enabled("cpu", False)
        torch.set_autocast_enabled("cuda", False)
        torch.default_generator.manual_seed(SEED)  # so that a function that seeds is noticed
        random.seed(SEED)
        yield
