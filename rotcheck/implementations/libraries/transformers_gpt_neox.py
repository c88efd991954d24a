"""transformers' GPT-NeoX: the width of the tables says how many lanes rotate, here 16; the others pass."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import transformers_llama
from rotcheck.implementations.libraries.transformers_llama import TRANSFORMERS

convention = replace(transformers_llama.convention, rotary_dim=16)


def load(device: str) -> Function:
    """Return the function."""
    name = "transformers.models.gpt_neox.modeling_gpt_neox:apply_rotary_pos_emb"
    return TRANSFORMERS.function(name, "q", "k", "cos", "sin", "unsqueeze_dim=")
