"""torchtune's `Phi3RotaryPositionalEmbeddings`: half pairing, computed in float32."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import torchtune

convention = replace(torchtune.convention, pairing="half")


def load(device: str) -> Function:
    """Return the module."""
    path = "torchtune.models.phi3._position_embeddings:Phi3RotaryPositionalEmbeddings"
    return torchtune.built(path, device)
