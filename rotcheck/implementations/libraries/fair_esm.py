"""ESM-2's `apply_rotary_pos_emb` (fair-esm), of the protein models: heads folded into the batch, half pairing."""

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

FAIR_ESM = Package("fair-esm", "esm", "2.0.0")

convention = Convention(
    pairing="half", layout="bsd", tables="repeated", table_axes="1sw", arguments=("x", "cos", "sin")
)


def load(device: str) -> Function:
    """Return the function, of its file alone."""
    return FAIR_ESM.function(
        "esm.rotary_embedding:apply_rotary_pos_emb", "x", "cos", "sin", alone=True
    )
