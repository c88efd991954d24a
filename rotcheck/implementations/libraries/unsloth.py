"""unsloth's `fast_rope_embedding`: a Triton kernel for q and k (B, H, S, D), half pairing, tables (S, D).

Where q and k lie in memory as (B, S, H, D) it writes into them. Written from unsloth 2026.10.9, and not run: it
needs a GPU.
"""

from rotcheck.convention import Convention
from rotcheck.implementations import third_party
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

UNSLOTH = Package("unsloth", "unsloth", "2026.10.9")

convention = Convention(
    pairing="half",
    layout="bhsd",
    tables="repeated",
    table_axes="sw",
    arguments=("q", "k", "cos", "sin"),
)


def load(device: str) -> Function:
    """Return the function."""
    UNSLOTH.check_installed()
    third_party.for_cuda(device)
    name = "unsloth.kernels.rope_embedding:fast_rope_embedding"
    return UNSLOTH.function(name, "Q", "K", "cos", "sin")
