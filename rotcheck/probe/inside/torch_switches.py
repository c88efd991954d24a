"""The global switches of torch that change results, as a fresh process has them."""

import torch


def about() -> dict[str, str | None]:
    """Torch's version and what it is built with."""
    return {"version": str(torch.__version__), "cuda": torch.version.cuda, "hip": torch.version.hip}


def read() -> dict[str, str]:
    """Each switch by name, as a short text."""
    return {
        "float32 matmul precision": torch.get_float32_matmul_precision(),
        "autocast on cpu": _on(torch.is_autocast_enabled("cpu")),
        "autocast on cuda": _on(torch.is_autocast_enabled("cuda")),
        "deterministic algorithms": _on(torch.are_deterministic_algorithms_enabled()),
        "default dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "gradients": _on(torch.is_grad_enabled()),
        "TF32 in cuBLAS": _on(torch.backends.cuda.matmul.allow_tf32),
        "TF32 in cuDNN": _on(torch.backends.cudnn.allow_tf32),
        "TorchScript executor": _executor(),
    }


def _on(setting: bool) -> str:
    return "on" if setting else "off"


def _executor() -> str:
    profiling = torch._C._jit_set_profiling_executor(True)
    torch._C._jit_set_profiling_executor(profiling)
    return "profiling" if profiling else "legacy"
