"""flash-linear-attention's `rotary_embedding` with `interleaved=True`."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import fla

convention = replace(
    fla.convention, pairing="interleaved", arguments=(*fla.convention.arguments, "interleaved=True")
)
triton = True
skip = fla.skip


def load(device: str) -> Function:
    """Return the function."""
    return fla.usable(device, "seqlen_offsets=", "interleaved=")
