"""timm's `apply_rot_embed_cat`: sin and cos behind each other in one table."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import timm

convention = replace(timm.convention, arguments=("x", "sin+cos"))


def load(device: str) -> Function:
    """Return the function."""
    return timm.TIMM.function(f"{timm.FILE}:apply_rot_embed_cat", "x", "emb", alone=True)
