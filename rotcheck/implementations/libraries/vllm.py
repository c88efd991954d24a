"""vLLM's `rotary_embedding`: a CUDA kernel that writes into q and k (T, H*D), with one table of cos and sin.

Written from the wheel of vLLM 0.33.0, and not run: it needs a GPU.
"""

from rotcheck.convention import Convention
from rotcheck.implementations import third_party
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

VLLM = Package("vllm", "vllm", "0.33.0")

convention = Convention(
    pairing="half",
    layout="t(hd)",
    tables="half-width",
    table_axes="sw",
    arguments=("positions", "q", "k", "D", "cos+sin", "True"),
    position_axes="s",
    in_place=True,
)
no_gradient = "vLLM's kernel has no formula for autograd: it is for inference"
skip = third_party.only_in("float32", "float16", "bfloat16")


def load(device: str) -> Function:
    """Return the function."""
    VLLM.check_installed()
    third_party.for_cuda(device)
    parameters = ("positions", "query", "key", "head_size", "cos_sin_cache", "is_neox")
    return VLLM.function("vllm._custom_ops:rotary_embedding", *parameters)
