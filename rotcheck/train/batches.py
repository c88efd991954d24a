"""What each step trains on: windows of sequences, noise levels and masks, drawn in advance.

Every implementation, device and dtype gets the very same ones, since none is drawn where they run.
"""

import math
import random
from collections.abc import Sequence

import msgspec

from rotcheck.train.sequences import END, MASK

BATCH, LENGTH = 6, 56  # B and S; with the H of 4 and the D of 16 of the miniature all are different
SMALLEST_TIME = 1e-3
NOISE_EPS = 1e-3


class Batch(msgspec.Struct, frozen=True):
    """One step's data."""

    clean: tuple[str, ...]  # B windows of S letters
    noisy: tuple[str, ...]  # the same, with masks
    sigma: tuple[float, ...]  # the total noise of each window
    rate: tuple[float, ...]  # its derivative, which weighs the loss


def batches(sequences: Sequence[str], steps: int, seed: int) -> list[Batch]:
    """The batches of so many steps.

    As SEDD does it, the sequences stand behind each other with an end token between them and
    windows are cut from that; and the noise levels are those of its log-linear schedule, sigma(t) =
    -log(1 - (1 - eps) t), for t spread evenly over (0, 1] in each batch, as in Variational
    Diffusion Models (arXiv 2107.00630, appendix I.1), so that six windows say as much as many.
    """
    chance = random.Random(seed)
    stream = "".join(f"{sequence}{END}" for sequence in sequences)
    stream *= math.ceil(LENGTH / len(stream))
    return [_batch(stream, chance) for _ in range(steps)]


def _batch(stream: str, chance: random.Random) -> Batch:
    starts = [chance.randrange(len(stream) - LENGTH + 1) for _ in range(BATCH)]
    clean = tuple(stream[start : start + LENGTH] for start in starts)
    first = chance.random()
    times = [
        SMALLEST_TIME + (1 - SMALLEST_TIME) * ((first + row / BATCH) % 1) for row in range(BATCH)
    ]
    return Batch(
        clean,
        tuple(_mask(window, (1 - NOISE_EPS) * time, chance) for window, time in zip(clean, times)),
        tuple(-math.log1p(-(1 - NOISE_EPS) * time) for time in times),
        tuple((1 - NOISE_EPS) / (1 - (1 - NOISE_EPS) * time) for time in times),
    )


def _mask(window: str, chance_of_mask: float, chance: random.Random) -> str:
    """Move each letter to the absorbing state with probability 1 - exp(-sigma)."""
    return "".join(MASK if chance.random() < chance_of_mask else letter for letter in window)
