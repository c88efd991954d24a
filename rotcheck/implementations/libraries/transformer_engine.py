"""Transformer Engine's fused `apply_rotary_pos_emb`: a CUDA kernel for one tensor (S, B, H, D) and angles.

Written from transformer-engine 2.20.2, and not run: it needs a GPU. `transformer-engine-unfused` runs everywhere.
"""

from rotcheck.convention import Convention
from rotcheck.implementations import third_party
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

TRANSFORMER_ENGINE = Package(
    "transformer-engine",
    "transformer_engine",
    "2.20.2",
    "--no-build-isolation 'transformer-engine[pytorch]'",
)
FUNCTION = "transformer_engine.pytorch.attention.rope:apply_rotary_pos_emb"

convention = Convention(
    pairing="half",
    layout="sbhd",
    tables="angles-repeated",
    table_axes="s11w",
    arguments=("x", "table", "fused=True"),
)
skip = third_party.only_in("float32", "float16", "bfloat16")


def load(device: str) -> Function:
    """Return the function."""
    TRANSFORMER_ENGINE.check_installed()
    third_party.for_cuda(device)
    return TRANSFORMER_ENGINE.function(FUNCTION, "t", "freqs", "fused=")
