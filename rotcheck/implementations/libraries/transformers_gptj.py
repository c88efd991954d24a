"""transformers' GPT-J: one tensor, interleaved pairs, sin before cos, tables of half the width."""

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.transformers_llama import TRANSFORMERS

convention = Convention(
    pairing="interleaved",
    layout="bshd",
    tables="half-width",
    table_axes="bsw",
    arguments=("x", "sin", "cos"),
)


def load(device: str) -> Function:
    """Return the function."""
    name = "transformers.models.gptj.modeling_gptj:apply_rotary_pos_emb"
    return TRANSFORMERS.function(name, "tensor", "sin", "cos")
