"""transformers' nanochat: as Llama, and by the negative angle, which its checkpoints were trained with."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import transformers_llama
from rotcheck.implementations.libraries.transformers_llama import TRANSFORMERS

convention = replace(transformers_llama.convention, direction=-1)


def load(device: str) -> Function:
    """Return the function."""
    name = "transformers.models.nanochat.modeling_nanochat:apply_rotary_pos_emb"
    return TRANSFORMERS.function(name, "q", "k", "cos", "sin", "unsqueeze_dim=")
