"""NVIDIA apex's `fused_apply_rotary_pos_emb`: a CUDA kernel for one tensor (S, B, H, D) and angles.

Written from its source, and not run: it needs a GPU, and to be built; PyPI's `apex` is something else.
"""

from rotcheck.convention import Convention
from rotcheck.implementations import third_party
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

APEX = Package(
    "apex",
    "fused_rotary_positional_embedding",
    "17050e5",
    "--no-build-isolation git+https://github.com/NVIDIA/apex",
)

convention = Convention(
    pairing="half",
    layout="sbhd",
    tables="angles-repeated",
    table_axes="s11w",
    arguments=("x", "table"),
)
skip = third_party.only_in("float32", "float16", "bfloat16")


def load(device: str) -> Function:
    """Return the function."""
    APEX.check_installed()
    third_party.for_cuda(device)
    name = "apex.transformer.functional.fused_rope:fused_apply_rotary_pos_emb"
    return APEX.function(name, "t", "freqs")
