"""diffusers' `apply_rotary_emb` with `use_real=False`: complex tables, of each batch row or of all."""

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import diffusers

convention = Convention(
    pairing="interleaved",
    layout="bshd",
    tables="complex",
    table_axes="bsw",
    arguments=("x", "table", "use_real=False"),
)


def load(device: str) -> Function:
    """Return the function; this way it takes (B, S, H, D), the other way (B, H, S, D)."""
    return diffusers.DIFFUSERS.function(diffusers.FUNCTION, "x", "freqs_cis", "use_real=")
