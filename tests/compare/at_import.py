"""Changes the whole process while it is imported, by the name of the file that it was copied to."""

from pathlib import Path

import torch

_CHANGES = {
    "executor": lambda: torch._C._jit_set_profiling_executor(False),
    "fusers": lambda: torch._C._jit_set_texpr_fuser_enabled(False),
    "default_dtype": lambda: torch.set_default_dtype(torch.float64),
    "default_device": lambda: torch.set_default_device("meta"),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 3),
    "autocast": lambda: torch.set_autocast_enabled("cpu", True),
    "matmul_precision": lambda: torch.set_float32_matmul_precision("medium"),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "torch_seed": lambda: torch.manual_seed(1),
    "functions": lambda: setattr(torch, "cos", lambda x: x * 0),
    "gradients_off": lambda: torch.set_grad_enabled(False),
}
_CHANGES[Path(__file__).stem.removeprefix("import_")]()


def rotate(qkv, cos, sin):
    x1, x2 = qkv.chunk(2, -1)
    return qkv * cos + torch.cat((-x2, x1), -1) * sin
