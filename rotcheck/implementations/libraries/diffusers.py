"""diffusers' `apply_rotary_emb` with real tables: one tensor, interleaved pairs, a tuple of cos and sin (S, D)."""

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

DIFFUSERS = Package("diffusers", "diffusers", "0.42.1")
FUNCTION = "diffusers.models.embeddings:apply_rotary_emb"

convention = Convention(
    pairing="interleaved",
    layout="bshd",
    tables="repeated",
    table_axes="sw",
    arguments=("x", "(cos, sin)", "sequence_dim=1"),
)


def load(device: str) -> Function:
    """Return the function; left to itself it takes (B, H, S, D)."""
    return DIFFUSERS.function(FUNCTION, "x", "freqs_cis", "sequence_dim=")
