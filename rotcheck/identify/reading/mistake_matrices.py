"""Known mistakes, as matrices made of the tables that went in: which of them is the response?"""

from collections.abc import Iterator
from itertools import product
from typing import get_args

import torch
from torch import Tensor

from rotcheck.convention import Pairing, lanes, pairs
from rotcheck.identify.reading.matrix_reading import MatrixReading
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.measure.mistake_names import ALIASING, TWICE
from rotcheck.measure.pair_changes import PairChange, alias_first, turn_back, turn_twice

PAIRINGS: tuple[Pairing, ...] = get_args(Pairing)
_MISTAKES: tuple[tuple[tuple[str, str], PairChange], ...] = (
    (TWICE, turn_twice),
    (ALIASING, alias_first),
    (("rotated-back", "rotates, and rotates back"), turn_back),
)


def known_mistake(matrix: Tensor, cos: Tensor, sin: Tensor) -> MatrixReading | None:
    """The mistake whose matrices (S, D, D) these are, for tables (S, W);
    None: none that is known."""
    width = matrix.shape[-1]
    for rotary_dim, pairing in product(dict.fromkeys((width, width // 2, width // 4)), PAIRINGS):
        for c, s in _of_lanes(cos, sin, pairing, rotary_dim):
            for (mistake, change), direction in product(_MISTAKES, (1, -1)):
                candidate = torch.eye(width, dtype=torch.float64).repeat(len(c), 1, 1)
                candidate[:, :rotary_dim, :rotary_dim] = matrices(change, c, direction * s, pairing)
                if bool((matrix - candidate).abs().max() < 20 * TOLERANCE):
                    reading = MatrixReading(pairing, direction, rotary_dim=rotary_dim)
                    return reading.with_problem(*mistake)
    return None


def _of_lanes(
    cos: Tensor, sin: Tensor, pairing: Pairing, rotary_dim: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the tables with a value for each lane that rotates (S, R);
    nothing for tables of another width."""
    if cos.shape[-1] == rotary_dim:
        yield cos, sin
    if cos.shape[-1] in (rotary_dim, rotary_dim // 2):
        c, s = (table[:, : rotary_dim // 2] for table in (cos, sin))  # (S, P) each
        yield lanes(torch.stack((c, c), -1), pairing), lanes(torch.stack((s, s), -1), pairing)


def matrices(change: PairChange, cos: Tensor, sin: Tensor, pairing: Pairing) -> Tensor:
    """What a change of pairs makes of each lane, (S, R, R), by tables (S, R)."""
    units = pairs(torch.eye(cos.shape[-1], dtype=torch.float64), pairing)[:, None]  # (R, 1, P, 2)
    result = change(units, pairs(cos, pairing), pairs(sin, pairing))  # (R, S, P, 2)
    return lanes(result, pairing).permute(1, 2, 0)
