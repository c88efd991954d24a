"""Known mistakes, as matrices made of the tables that went in: which of them is the response?"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from rotcheck.convention import Pairing
from rotcheck.identify.reading.matrix_reading import MatrixReading
from rotcheck.identify.reading.response import TOLERANCE

ORDERS: tuple[Pairing, ...] = ("half", "interleaved")


def explained(matrix: Tensor, cos: Tensor, sin: Tensor) -> MatrixReading | None:
    """Return the mistake whose matrices (S, D, D) these are, for tables (S, W); None: none that is known."""
    lanes = matrix.shape[-1]
    for rotary_dim in dict.fromkeys((lanes, lanes // 2, lanes // 4)):
        if cos.shape[-1] not in (rotary_dim, rotary_dim // 2):
            continue
        for pairing in ORDERS:
            for c, s in _laid(cos, sin, pairing, rotary_dim):
                for code, words, made in _MISTAKES:
                    for direction in (1, -1):
                        own = _whole(made(c, direction * s, pairing), lanes)
                        if bool((matrix - own).abs().max() < 20 * TOLERANCE):
                            return MatrixReading(
                                pairing, direction, rotary_dim=rotary_dim, problem=code, words=words
                            )
    return None


def _laid(
    cos: Tensor, sin: Tensor, pairing: Pairing, rotary_dim: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the tables with a value for each lane (S, R)."""
    if cos.shape[-1] == rotary_dim:
        yield cos, sin
        cos, sin = cos[:, : rotary_dim // 2], sin[:, : rotary_dim // 2]
    if pairing == "half":
        yield cos.repeat(1, 2), sin.repeat(1, 2)
    else:
        yield cos.repeat_interleave(2, -1), sin.repeat_interleave(2, -1)


def _whole(matrix: Tensor, lanes: int) -> Tensor:
    """Put matrices (S, R, R) into the identity of all lanes."""
    rows, own, _ = matrix.shape
    whole = torch.eye(lanes, dtype=torch.float64).repeat(rows, 1, 1)
    whole[:, :own, :own] = matrix
    return whole


def _partner(pairing: Pairing, lanes: int) -> tuple[Tensor, Tensor]:
    """Return the partner of each lane, and the sign with which it comes."""
    at = torch.arange(lanes)
    other = (at + lanes // 2) % lanes if pairing == "half" else at ^ 1
    return other, torch.where(other > at, -1.0, 1.0).double()


def turn(c: Tensor, s: Tensor, pairing: Pairing) -> Tensor:
    """Return the matrices (S, R, R) of a rotation by tables (S, R)."""
    other, sign = _partner(pairing, c.shape[-1])
    matrix = torch.diag_embed(c)
    lanes = torch.arange(c.shape[-1])
    matrix[:, lanes, other] = s * sign
    return matrix


def _twice(c: Tensor, s: Tensor, pairing: Pairing) -> Tensor:
    once = turn(c, s, pairing)
    return once @ once


def _aliasing(c: Tensor, s: Tensor, pairing: Pairing) -> Tensor:
    """The second lane of a pair made with the first one's new value."""
    other, sign = _partner(pairing, c.shape[-1])
    matrix = turn(c, s, pairing)
    second = (sign > 0).nonzero().flatten()
    first = other[second]
    matrix[:, second] = 0.0
    matrix[:, second, second] = c[:, second]
    matrix[:, second] += s[:, second, None] * matrix[:, first]
    return matrix


def _inverse_again(c: Tensor, s: Tensor, pairing: Pairing) -> Tensor:
    return turn(c, -s, pairing) @ turn(c, s, pairing)


_MISTAKES: tuple[tuple[str, str, Callable[[Tensor, Tensor, Pairing], Tensor]], ...] = (
    ("rotated-twice", "rotates twice", _twice),
    ("aliasing", "uses the first half's new values to make the second", _aliasing),
    ("rotated-back", "rotates, and rotates back", _inverse_again),
)
