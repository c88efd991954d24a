"""Random inputs whose sizes differ, so that no axis is taken for another."""

from collections.abc import Collection

import torch

BATCH, LENGTH, TARGET_LENGTH = 2, 19, 13
SEED = 20


def token_sequence(
    vocabulary: int, special: Collection[int] = (), length: int = LENGTH
) -> torch.Tensor:
    """Random ids of tokens, none of them special."""
    plain = [identity for identity in range(vocabulary) if identity not in special]
    generator = torch.Generator().manual_seed(SEED + length)
    places = torch.randint(len(plain), (BATCH, length), generator=generator)
    return torch.tensor(plain)[places]  # (B, S)


def normal(*shape: int) -> torch.Tensor:
    """Random numbers of a standard normal distribution."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(SEED))
