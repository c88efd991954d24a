"""Liger-Kernel's `liger_rotary_pos_emb`: a Triton kernel for q and k (B, H, S, D), half pairing.

It reads the left half of the tables' lanes. Where q and k lie in memory as (B, S, H, D) it writes into them, and
its backward into the gradient that it is given; else it copies.
"""

from rotcheck.convention import Convention
from rotcheck.implementations import third_party
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

LIGER = Package("liger-kernel", "liger_kernel", "0.8.5")

convention = Convention(
    pairing="half",
    layout="bhsd",
    tables="repeated",
    table_axes="bsw",
    arguments=("q", "k", "cos", "sin"),
)
triton = True
skip = third_party.skip_interpreted


def load(device: str) -> Function:
    """Return the function."""
    LIGER.check_installed()
    third_party.for_triton(device)
    return LIGER.function(
        "liger_kernel.transformers.rope:liger_rotary_pos_emb", "q", "k", "cos", "sin"
    )
