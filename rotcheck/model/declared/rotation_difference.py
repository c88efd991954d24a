"""Where a model that turns otherwise than it declares parts from it, and which key explains it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rotcheck.model.declared.amplitude_changes import amplitude_words
from rotcheck.model.declared.declared_rotation import DeclaredRotation
from rotcheck.model.declared.key_variations import KeyVariation, key_variations, turning_row
from rotcheck.rotary.recognition import recognise

PARTING = 0.01  # radians
FARTHEST = 1 << 20  # positions
TOLERANCE = 2e-5  # relative, of frequencies: float32's power of theta leaves a few 1e-6


@dataclass(frozen=True, slots=True)
class RotationDifference:
    """What a model does beside what is declared.

    `position`: the first at which an angle is off by 0.01 rad, in `pair`; None: none up to the
    farthest that was asked for. `explanations`: the readings of the configuration that give what
    was measured, those that are equally simple together; none where no single key explains it.
    `amplitude`: in words what is wrong with the attention factor; empty where nothing is.
    """

    position: int | None
    pair: int | None
    explanations: tuple[KeyVariation, ...]
    amplitude: str
    recognition: str  # what turns, where nothing explains it

    @property
    def agrees(self) -> bool:
        """Whether it does what is declared."""
        return self.position is None and not self.amplitude

    def __str__(self) -> str:
        if self.agrees:
            return "does what is declared"
        return "; ".join(filter(None, (self._parting(), self.amplitude)))

    def _parting(self) -> str:
        if self.position is None:
            return ""
        where = f"parts by {PARTING} rad at position {self.position:,}, in pair {self.pair}"
        why = " or ".join(variation.words for variation in self.explanations)
        return f"{where}: {why or f'no single key explains it; measured: {self.recognition}'}"


def rotation_difference(
    rotation: DeclaredRotation,
    config: Mapping[str, Any],
    frequencies: Tensor,
    amplitude: float = 1.0,
    length: int = 1,
    noise: float = 0.0,
    tolerance: float = TOLERANCE,
    farthest: int = FARTHEST,
    scores: float | None = None,
) -> RotationDifference:
    """Find where a model parts from what it declares, and why.

    Args:
        rotation: one with a schedule, of `config`.
        config: the whole configuration.
        frequencies: as measured, (P,) float64, in radians a position; of pairs that stand still 0.
        amplitude: what cos and sin are multiplied with, as measured.
        length: of the sequence that was measured.
        noise: how far a frequency may be off as measured, in radians a position: the rounding of
            an angle over the position it was measured at.
        tolerance: relative; pairs within it have one frequency.
        farthest: the last position that matters.
        scores: how many times 1 / sqrt(D) the scores are multiplied with; None: nobody knows.

    Raises:
        ValueError: it has no schedule.
    """
    right, row = turning_row(rotation.frequencies(length)), turning_row(frequencies.cpu().double())
    position, pair = first_parting(right, row, tolerance, farthest, noise)
    explanations: tuple[KeyVariation, ...] = ()
    if position is not None:
        variations = key_variations(rotation.settings, config, length)
        explanations = tuple(_simplest(variations, row, tolerance, noise))
    return RotationDifference(
        position,
        pair,
        explanations,
        amplitude_words(rotation, amplitude, scores, str(config.get("model_type", ""))),
        _recognition(row, rotation.head_dim) if position is not None and not explanations else "",
    )


def first_parting(
    right: Tensor,
    row: Tensor,
    tolerance: float = TOLERANCE,
    farthest: int = FARTHEST,
    noise: float = 0.0,
) -> tuple[int | None, int | None]:
    """The first position, and its pair, at which angles are off by 0.01 rad, counted modulo a turn.

    Args:
        right: frequencies, (P,) float64.
        row: others, (Q,) float64; a pair that only one of both has stands still in the other.
        tolerance: relative; pairs within it are taken to turn alike.
        farthest: the last position that matters.
        noise: radians a position that a frequency may be off beside that.

    Returns:
        The position and the pair; None and None where they do not part.
    """
    pairs = max(len(right), len(row))
    right, row = (_with_zeros(side, pairs) for side in (right, row))
    off = (row - right).abs()  # (P,)
    gap = off.remainder(2 * math.pi)  # (P,)
    gap = gap.minimum(2 * math.pi - gap).where(off > tolerance * right + noise, 0.0)  # (P,)
    if not pairs or not gap.max():
        return None, None
    pair = int(gap.argmax())
    position = math.ceil(PARTING / float(gap[pair]))
    return (position, pair) if position <= farthest else (None, None)


def _with_zeros(row: Tensor, pairs: int) -> Tensor:
    """A row with pairs that stand still at its end, (pairs,)."""
    return torch.cat((row, row.new_zeros(pairs - len(row))))


def _simplest(
    variations: Iterator[KeyVariation], row: Tensor, tolerance: float, noise: float
) -> Iterator[KeyVariation]:
    """Yield the variations that fit the row, of those the simplest, each row of words once."""
    candidates = [
        variation for variation in variations if _fits(variation.row, row, tolerance, noise)
    ]
    least = min((variation.cost for variation in candidates), default=0)
    words = set()
    for variation in candidates:
        if variation.cost == least and variation.words not in words:
            words.add(variation.words)
            yield variation


def _fits(right: Tensor, row: Tensor, tolerance: float, noise: float) -> bool:
    pairs = max(len(right), len(row))
    right, row = (_with_zeros(side, pairs) for side in (right, row))  # (P,) each
    return bool(((row - right).abs() <= tolerance * right + noise).all())


def _recognition(row: Tensor, head_dim: int | None) -> str:
    """The known schedule that gives this row, in words."""
    if len(row) < 2 or not bool(((row > 0) & row.isfinite()).all()):
        return f"{len(row)} pairs that follow no known schedule"
    return str(recognise(row, head_dim)).splitlines()[0]
