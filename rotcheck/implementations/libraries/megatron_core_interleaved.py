"""Megatron-Core's `apply_rotary_pos_emb` with `rotary_interleaved`, without fusion."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import megatron_core

convention = replace(megatron_core.convention, pairing="interleaved")


def load(device: str) -> Function:
    """Return the function."""
    return megatron_core.unfused(interleaved=True)
