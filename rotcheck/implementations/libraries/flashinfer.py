"""flashinfer's `apply_rope_with_cos_sin_cache`: a CUDA kernel for q and k (T, H*D), its table in float32.

Written from the wheel of flashinfer-python 0.7.2, and not run: it needs a GPU.
"""

from dataclasses import replace
from typing import Any

from torch import Tensor

from rotcheck.implementations import third_party
from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import vllm
from rotcheck.implementations.third_party import Package

FLASHINFER = Package("flashinfer-python", "flashinfer", "0.7.2.post1")

convention = replace(vllm.convention, in_place=False)
no_gradient = "flashinfer has no formula for autograd: it is for inference"
skip = third_party.only_in("float16", "bfloat16")


def load(device: str) -> Function:
    """Return the function, its table cast to float32."""
    FLASHINFER.check_installed()
    third_party.for_cuda(device)
    parameters = ("positions", "query", "key", "head_size", "cos_sin_cache", "is_neox")
    rotate = FLASHINFER.function("flashinfer.rope:apply_rope_with_cos_sin_cache", *parameters)

    def apply(
        positions: Tensor, q: Tensor, k: Tensor, width: int, table: Tensor, neox: bool
    ) -> Any:
        return rotate(positions, q, k, width, table.float(), neox)

    return apply
