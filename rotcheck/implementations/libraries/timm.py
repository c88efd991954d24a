"""timm's `apply_rot_embed`: one tensor, interleaved pairs, sin before cos, tables that line up with it."""

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

TIMM = Package("timm", "timm", "1.0.31")
FILE = "timm.layers.pos_embed_sincos"  # alone: the package asks for torchvision

convention = Convention(
    pairing="interleaved",
    layout="bshd",
    tables="repeated",
    table_axes="s1w",
    arguments=("x", "sin", "cos"),
)


def load(device: str) -> Function:
    """Return the function."""
    return TIMM.function(f"{FILE}:apply_rot_embed", "x", "sin_emb", "cos_emb", alone=True)
