"""Compiles a small rotation with torch.compile and compares it with eager."""

import os
import tempfile

import torch
from torch.testing import assert_close

from rotcheck.probe.inside.executors import new_rotation
from rotcheck.probe.inside.thrice import thrice

TOLERANCE = 1e-5  # float32; compiled code may keep a product unrounded


def run(device: str, folder: str) -> None:
    """Compile the rotation, call it three times on the device, and compare each result with eager.

    `folder` takes what the compiler writes, and all other temporary files of this process.
    """
    os.environ.update(
        TORCHINDUCTOR_CACHE_DIR=folder, TORCHINDUCTOR_COMPILE_THREADS="1", TMPDIR=folder
    )
    # inductor puts precompiled headers there, whatever its cache folder is
    tempfile.tempdir = folder
    rotate = new_rotation()
    compiled_rotate = torch.compile(rotate)
    x = torch.randn(2, 3, 5, 8).to(device)  # (B, S, H, D)
    cos, sin = (torch.randn(3, 1, 8).to(device) for _ in range(2))  # (S, 1, D)
    eager = rotate(x, cos, sin)
    thrice(
        lambda: assert_close(compiled_rotate(x, cos, sin), eager, rtol=TOLERANCE, atol=TOLERANCE)
    )
