"""transformers' gpt-oss: half pairing with tables of half the width."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import transformers_llama
from rotcheck.implementations.libraries.transformers_llama import TRANSFORMERS

convention = replace(transformers_llama.convention, tables="half-width")


def load(device: str) -> Function:
    """Return the function."""
    name = "transformers.models.gpt_oss.modeling_gpt_oss:apply_rotary_pos_emb"
    return TRANSFORMERS.function(name, "q", "k", "cos", "sin", "unsqueeze_dim=")
