"""transformers' DeepSeek-V3: interleaved pairs, written as halves; tables as Llama's."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import transformers_llama
from rotcheck.implementations.libraries.transformers_llama import TRANSFORMERS

convention = replace(
    transformers_llama.convention,
    pairing="interleaved",
    table_lanes="half",
    output_lanes="de-interleaved",
)


def load(device: str) -> Function:
    """Return the function."""
    name = "transformers.models.deepseek_v3.modeling_deepseek_v3:apply_rotary_pos_emb_interleave"
    return TRANSFORMERS.function(name, "q", "k", "cos", "sin", "unsqueeze_dim=")
