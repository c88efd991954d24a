"""torchtune's `Qwen2RotaryPositionalEmbeddings`: half pairing, its tables cast to the input's dtype."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import torchtune

convention = replace(torchtune.convention, pairing="half")


def load(device: str) -> Function:
    """Return the module."""
    path = "torchtune.models.qwen2._positional_embeddings:Qwen2RotaryPositionalEmbeddings"
    return torchtune.built(path, device)
