"""The scripted rotate_half under the legacy graph executor, as SEDD,
ChatGLM and Megatron-style code set it.

Its graph fuser knows only cpu, cuda and xpu,
and raises `Unknown device for graph fuser` anywhere else.
"""

import torch

from rotcheck.implementations.builtin import native, torchscript
from rotcheck.implementations.interface import Function

convention = native.convention
switches = ("TorchScript executor", "TorchScript fusers")


def load(device: str) -> Function:
    """Set the flags and return the function, scripted."""
    set_flags()
    return torchscript.load(device)


def set_flags() -> None:
    """Set, for this process, the four flags of SEDD's model/rotary.py."""
    torch._C._jit_set_profiling_mode(False)
    torch._C._jit_set_profiling_executor(False)
    torch._C._jit_override_can_fuse_on_cpu(True)
    torch._C._jit_override_can_fuse_on_gpu(True)
