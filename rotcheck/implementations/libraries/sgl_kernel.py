"""SGLang's `apply_rope_with_cos_sin_cache_inplace`: a CUDA kernel that writes into q and k (T, H*D).

Its table is float32 whatever q is. Written from the wheel of sgl-kernel 0.3.21, and not run: it needs a GPU.
"""

from torch import Tensor

from rotcheck.implementations import third_party
from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import vllm
from rotcheck.implementations.third_party import Package

SGL_KERNEL = Package("sgl-kernel", "sgl_kernel", "0.3.21")

convention = vllm.convention
no_gradient = "sgl-kernel has no formula for autograd: it is for inference"
skip = third_party.only_in("float16", "bfloat16")


def load(device: str) -> Function:
    """Return the function, its table cast to float32."""
    SGL_KERNEL.check_installed()
    third_party.for_cuda(device)
    parameters = ("positions", "query", "key", "head_size", "cos_sin_cache", "is_neox")
    rotate = SGL_KERNEL.function("sgl_kernel:apply_rope_with_cos_sin_cache_inplace", *parameters)

    def apply(
        positions: Tensor, q: Tensor, k: Tensor, width: int, table: Tensor, neox: bool
    ) -> None:
        rotate(positions, q, k, width, table.float(), neox)

    return apply
