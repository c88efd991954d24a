"""Sequences of tokens, as the models of transformers take them."""

from collections.abc import Mapping
from typing import Any

import torch

from rotcheck.model.build.plain_config import flat
from rotcheck.model.build.random_inputs import token_sequence
from rotcheck.model.build.special_tokens import token_ids

SHORT = 5  # tokens of a model that makes the few codes of one moment
_CODEBOOKS = ("num_codebooks", "num_channels")


def sequences(vocabulary: int, config: Mapping[str, Any], length: int) -> list[torch.Tensor]:
    """Random tokens, none of them special: one at each place, one of each codebook, and few."""
    special = token_ids(config)
    tokens = token_sequence(vocabulary, special, length)  # (B, S)
    sizes = flat(config)
    codebooks = next((sizes[key] for key in _CODEBOOKS if isinstance(sizes.get(key), int)), None)
    counts = [codebooks, codebooks + 1] if codebooks else []
    codes = [tokens[..., None].repeat(1, 1, count) for count in counts]  # (B, S, K)
    return [tokens, *codes, token_sequence(vocabulary, special, SHORT)]
