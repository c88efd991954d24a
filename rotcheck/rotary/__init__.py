"""Rotary position embeddings: the functions to import, and the mathematics behind them.

    from rotcheck.rotary import apply_rotary_pos_emb   # packed qkv, as in SEDD
    from rotcheck.rotary import apply_rotary           # other layouts, pairings, table forms

Needs torch and nothing else.
"""

from rotcheck.convention import Convention, lanes, pairs
from rotcheck.rotary import torch_age  # noqa: F401  # before what an old torch lacks
from rotcheck.rotary.apply import apply_rotary, apply_rotary_pos_emb
from rotcheck.rotary.frequencies import angles, inverse_frequencies
from rotcheck.rotary.path_explanation import PathExplanation, explain
from rotcheck.rotary.reference import rotate
from rotcheck.rotary.tables import tables

__all__ = [
    "Convention",
    "PathExplanation",
    "angles",
    "apply_rotary",
    "apply_rotary_pos_emb",
    "explain",
    "inverse_frequencies",
    "lanes",
    "pairs",
    "rotate",
    "tables",
]
