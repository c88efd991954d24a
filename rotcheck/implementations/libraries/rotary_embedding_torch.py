"""rotary-embedding-torch's `apply_rotary_emb`: angles, each twice, and one tensor (B, H, S, D)."""

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

PACKAGE = Package("rotary-embedding-torch", "rotary_embedding_torch", "0.9.1")

convention = Convention(
    pairing="interleaved",
    layout="bhsd",
    tables="angles-repeated",
    table_axes="sw",
    arguments=("table", "x"),
)


def load(device: str) -> Function:
    """Return the function. Its class's `rotate_queries_or_keys` makes positions in the dtype of q: see `context`."""
    return PACKAGE.function("rotary_embedding_torch:apply_rotary_emb", "freqs", "t")
