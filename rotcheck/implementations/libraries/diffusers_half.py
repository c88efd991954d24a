"""diffusers' `apply_rotary_emb` with `use_real_unbind_dim=-2`: half pairing."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import diffusers

convention = replace(
    diffusers.convention,
    pairing="half",
    arguments=(*diffusers.convention.arguments, "use_real_unbind_dim=-2"),
)


def load(device: str) -> Function:
    """Return the function."""
    return diffusers.DIFFUSERS.function(
        diffusers.FUNCTION, "x", "freqs_cis", "sequence_dim=", "use_real_unbind_dim="
    )
