"""timm's `apply_rot_embed` with `half=True`: half pairing, with tables of that order."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import timm

convention = replace(timm.convention, pairing="half", arguments=("x", "sin", "cos", "half=True"))


def load(device: str) -> Function:
    """Return the function."""
    return timm.TIMM.function(
        f"{timm.FILE}:apply_rot_embed", "x", "sin_emb", "cos_emb", "half=", alone=True
    )
