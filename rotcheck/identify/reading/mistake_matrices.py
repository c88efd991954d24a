"""Known mistakes, as matrices made of the tables that went in: which of them is the response?"""

from collections.abc import Callable, Iterator
from itertools import product

import torch
from torch import Tensor

from rotcheck.convention import Pairing
from rotcheck.identify.reading.matrix_reading import ALIASING, MatrixReading
from rotcheck.identify.reading.response import TOLERANCE

PAIRINGS: tuple[Pairing, ...] = ("half", "interleaved")


def known_mistake(matrix: Tensor, cos: Tensor, sin: Tensor) -> MatrixReading | None:
    """The mistake whose matrices (S, D, D) these are, for tables (S, W); None: none that is known."""
    lanes = matrix.shape[-1]
    for rotary_dim, pairing in product(dict.fromkeys((lanes, lanes // 2, lanes // 4)), PAIRINGS):
        for c, s in _full_width(cos, sin, pairing, rotary_dim):
            for (code, words, make), direction in product(_MISTAKES, (1, -1)):
                candidate = _in_identity(make(c, direction * s, pairing), lanes)
                if bool((matrix - candidate).abs().max() < 20 * TOLERANCE):
                    return MatrixReading(
                        pairing, direction, rotary_dim=rotary_dim, problem=code, words=words
                    )
    return None


def _full_width(
    cos: Tensor, sin: Tensor, pairing: Pairing, rotary_dim: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the tables with a value for each lane that rotates (S, R); nothing for tables of another width."""
    if cos.shape[-1] not in (rotary_dim, rotary_dim // 2):
        return
    if cos.shape[-1] == rotary_dim:
        yield cos, sin
        cos, sin = cos[:, : rotary_dim // 2], sin[:, : rotary_dim // 2]
    if pairing == "half":
        yield cos.repeat(1, 2), sin.repeat(1, 2)
    else:
        yield cos.repeat_interleave(2, -1), sin.repeat_interleave(2, -1)


def _in_identity(matrix: Tensor, lanes: int) -> Tensor:
    """Put matrices (S, R, R) into the identity of all lanes."""
    rows, rotary_dim, _ = matrix.shape
    whole = torch.eye(lanes, dtype=torch.float64).repeat(rows, 1, 1)
    whole[:, :rotary_dim, :rotary_dim] = matrix
    return whole


def _partners(pairing: Pairing, lanes: int) -> tuple[Tensor, Tensor]:
    """The partner of each lane, and the sign with which it comes."""
    at = torch.arange(lanes)
    partner = (at + lanes // 2) % lanes if pairing == "half" else at ^ 1
    return partner, torch.where(partner > at, -1.0, 1.0).double()


def rotation(c: Tensor, s: Tensor, pairing: Pairing) -> Tensor:
    """The matrices (S, R, R) of a rotation by tables (S, R)."""
    partner, sign = _partners(pairing, c.shape[-1])
    matrix = torch.diag_embed(c)
    lanes = torch.arange(c.shape[-1])
    matrix[:, lanes, partner] = s * sign
    return matrix


def _twice(c: Tensor, s: Tensor, pairing: Pairing) -> Tensor:
    once = rotation(c, s, pairing)
    return once @ once


def _aliasing(c: Tensor, s: Tensor, pairing: Pairing) -> Tensor:
    """The second lane of a pair made with the first one's new value."""
    partner, sign = _partners(pairing, c.shape[-1])
    matrix = rotation(c, s, pairing)
    second = (sign > 0).nonzero().flatten()
    first = partner[second]
    matrix[:, second] = 0.0
    matrix[:, second, second] = c[:, second]
    matrix[:, second] += s[:, second, None] * matrix[:, first]
    return matrix


def _back(c: Tensor, s: Tensor, pairing: Pairing) -> Tensor:
    return rotation(c, -s, pairing) @ rotation(c, s, pairing)


_MISTAKES: tuple[tuple[str, str, Callable[[Tensor, Tensor, Pairing], Tensor]], ...] = (
    ("rotated-twice", "rotates twice", _twice),
    ("aliasing", ALIASING, _aliasing),
    ("rotated-back", "rotates, and rotates back", _back),
)
