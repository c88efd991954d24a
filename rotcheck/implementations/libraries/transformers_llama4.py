"""transformers' Llama 4: q and k read as complex numbers, multiplied by complex tables (B, S, D/2)."""

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.transformers_llama import TRANSFORMERS

convention = Convention(
    pairing="interleaved",
    layout="bshd",
    tables="complex",
    table_axes="bsw",
    arguments=("q", "k", "table"),
)


def load(device: str) -> Function:
    """Return the function."""
    name = "transformers.models.llama4.modeling_llama4:apply_rotary_emb"
    return TRANSFORMERS.function(name, "xq", "xk", "freqs_cis")
