"""flash-attn's Triton kernel with `interleaved=True`; `flash-attn` is the half one."""

from dataclasses import replace

from rotcheck.implementations.builtin import flash_attn
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

FLASH_ATTN = Package("flash-attn", "flash_attn", "2.8.3.post2", "flash-attn --no-build-isolation")

convention = replace(
    flash_attn.convention,
    pairing="interleaved",
    arguments=("x", "cos", "sin", "interleaved=True", "seqlen_offsets=offset"),
)
triton = True
skip = flash_attn.skip


def load(device: str) -> Function:
    """Return the function."""
    flash_attn.usable(device)
    name = "flash_attn.layers.rotary:apply_rotary_emb"
    return FLASH_ATTN.function(name, "x", "cos", "sin", "interleaved=", "seqlen_offsets=")
