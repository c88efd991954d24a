"""transformers' Llama, and the some 180 models that copy it: q and k, half pairing, tables (B, S, D)."""

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

TRANSFORMERS = Package("transformers", "transformers", "5.23.0")

convention = Convention(
    pairing="half",
    layout="bshd",
    tables="repeated",
    table_axes="bsw",
    arguments=("q", "k", "cos", "sin", "unsqueeze_dim=2"),
)


def load(device: str) -> Function:
    """Return the function; its fifth argument, by place, meant `position_ids` in 4.x and means `unsqueeze_dim` now."""
    name = "transformers.models.llama.modeling_llama:apply_rotary_pos_emb"
    return TRANSFORMERS.function(name, "q", "k", "cos", "sin", "unsqueeze_dim=")
