"""The `interpreter` stand-in: Triton kernels run by the Triton interpreter on CPU tensors."""

import contextlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable
from typing import Any

from rotcheck.implementations.interface import Unavailable

BFLOAT16 = (
    "the Triton interpreter truncates bfloat16 instead of rounding, and can return NaN for it"
)


def interpret() -> None:
    """Have this process run Triton kernels on CPU tensors; call it before anything imports triton.

    Raises `Unavailable` when triton is not installed, or numpy,
    which its interpreter computes with.
    """
    for package in ("triton", "numpy"):
        if importlib.util.find_spec(package) is None:
            raise Unavailable(f"the Triton interpreter needs {package} (`pip install {package}`)")
    import torch  # here: the front imports this file

    os.environ["TRITON_INTERPRET"] = "1"
    # else flash-attn asks for its CUDA extension
    os.environ["FLASH_ATTENTION_TRITON_AMD_ENABLE"] = "TRUE"
    torch.cuda.device = lambda index: contextlib.nullcontext()  # type: ignore


def tune_nothing() -> None:
    """Have each kernel with several configurations take its first one:
    Triton asks for a GPU to time them."""
    if "triton" not in sys.modules:
        return
    from triton.runtime.autotuner import Autotuner  # type: ignore[import-untyped]

    Autotuner.do_bench = lambda self, call, quantiles: [0.0] * len(quantiles)


def interprets() -> bool:
    """Whether Triton kernels run in the interpreter in this process."""
    return os.environ.get("TRITON_INTERPRET") == "1" and "triton" in sys.modules


def dtype_distortion(function: Callable[..., Any], dtype: str) -> str | None:
    """Why a dtype is not asked of a function whose file has kernels that the interpreter runs."""
    if dtype != "bfloat16" or not interprets():
        return None
    routine = function if inspect.isroutine(function) else getattr(type(function), "forward", None)
    names = getattr(inspect.unwrap(routine), "__globals__", {}) if routine else {}
    if any(
        inspect.ismodule(value) and value.__name__.partition(".")[0] == "triton"
        for value in names.values()
    ):
        return BFLOAT16
    return None
