"""What is different about the rotations of two layers."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from rotcheck.model.against.layer_rotation import LayerRotation, LengthFrequencies
from rotcheck.model.declared.amplitude_changes import SAME_AMPLITUDE
from rotcheck.model.declared.key_variations import turning_row
from rotcheck.model.declared.rotation_difference import FARTHEST, PARTING, first_parting
from rotcheck.model.turn_fit import PHASE
from rotcheck.rotary.frequencies import wrap

SAME_VALUES = 0.01  # relative: q of the same weights, computed by two stacks


@dataclass(frozen=True, slots=True)
class LengthDifference:
    """Two layers in a sequence of one length: the first position at which an angle of theirs is
    0.01 rad apart, in which pair; `why`: it is not known whether they turn alike."""

    length: int
    position: int | None
    pair: int | None
    first: LengthFrequencies
    second: LengthFrequencies
    why: str = ""

    @property
    def is_run(self) -> bool:
        """Whether both were measured there, or declared."""
        return "frequencies" not in (self.first.source, self.second.source)

    @property
    def words(self) -> str:
        """What is different; empty: nothing is, as far as is known."""
        if self.position is None:
            return ""
        where = f"parts by {PARTING} rad at position {self.position:,}, in pair {self.pair}"
        names = [_rotation(side) for side in (self.first, self.second)]
        lanes = [2 * len(turning_row(side.row)) for side in (self.first, self.second)]
        if lanes[0] != lanes[1] and all(lanes):
            names = [f"{name}, {count} lanes" for name, count in zip(names, lanes)]
        return f"{where}: {' against '.join(names)}" if names[0] != names[1] else where


def _rotation(side: LengthFrequencies) -> str:
    """What turns there, in words."""
    if side.schedule or side.angles:
        return side.schedule or "other frequencies"
    fast, slow = max(side.frequencies, default=0.0), min(side.frequencies, default=0.0)
    return f"no known schedule, {fast:.4g} to {slow:.4g} rad a position"


def _of_rows(first: LengthFrequencies, second: LengthFrequencies) -> LengthDifference:
    """The difference of the last rows of a sequence, of which one side's frequencies are not known
    exactly enough."""
    sizes = [len(side.angles) for side in (first, second) if side.angles]
    pairs = max(
        len(side.angles[0]) if side.angles else len(side.frequencies) for side in (first, second)
    )
    a, b = (side.last_rows(min(sizes), pairs) for side in (first, second))
    off = wrap(a - b).abs() - PARTING - 2 * PHASE * first.length  # (S, P)
    if not bool((off > 0).any()):
        return LengthDifference(first.length, None, None, first, second)
    row, pair = divmod(int(off.argmax()), pairs)
    position = first.length - min(sizes) + row
    return LengthDifference(first.length, position, pair, first, second)


class LayerDifference:
    """Two layers side by side.

    Args:
        first: a layer.
        second: the one that is held against it, measured at the same lengths.
        names: of their models.
    """

    def __init__(
        self,
        first: LayerRotation,
        second: LayerRotation,
        names: tuple[str, str] = ("the one", "the other"),
    ) -> None:
        self.first, self.second, self.names = first, second, names

    @property
    def is_none(self) -> bool:
        """Whether one layer stands for the other: what is known of both is the same."""
        sides = self.first, self.second
        if sides[0].obstacle or sides[1].obstacle:
            return sides[0].obstacle == sides[1].obstacle
        open_lengths = [d for d in self.lengths if d.first.why != d.second.why]
        return not (self.faults or self.orders or open_lengths)

    @property
    def obstacle(self) -> str:
        """Why nothing can be said; empty: it can."""
        return self.first.obstacle or self.second.obstacle

    @cached_property
    def lengths(self) -> tuple[LengthDifference, ...]:
        """The two at each length, that of the one pass first."""
        sides = list(zip(self.first.lengths, self.second.lengths))
        farthest = [max((pair[0].length for pair in sides[1:]), default=FARTHEST)]
        farthest += [pair[0].length for pair in sides[1:]]
        return tuple(self._at(*pair, most) for pair, most in zip(sides, farthest))

    def _at(
        self, first: LengthFrequencies, second: LengthFrequencies, farthest: int
    ) -> LengthDifference:
        for side in (first, second):
            if not side.source:
                return LengthDifference(first.length, None, None, first, second, side.why)
        if first.angles or second.angles:
            return _of_rows(first, second)
        noise = first.noise + second.noise
        rows = turning_row(first.row), turning_row(second.row)
        position, pair = first_parting(*rows, farthest=farthest, noise=noise)
        why = ""
        if position is None and noise * first.length > PARTING:
            why = "angles that follow no known schedule are not measured so exactly"
        return LengthDifference(first.length, position, pair, first, second, why)

    @cached_property
    def faults(self) -> tuple[str, ...]:
        """What is different, whatever the weights are."""
        return tuple(self._faults())

    def _faults(self) -> Iterator[str]:
        a, b = self.first, self.second
        if a.is_still or b.is_still:
            if a.is_still != b.is_still:
                yield f"{a.does} against {b.does}"
            return
        if a.rows and b.rows and not self._shape_differs and self._rows_differ:
            yield "the rows of the one pass turn by different angles"
        if bool(a.rows) != bool(b.rows):
            return
        if a.direction != b.direction:
            turns = ["backwards" if side.direction < 0 else "forwards" for side in (a, b)]
            yield f"turns {' against '.join(turns)}"
        if not self.lengths:
            return
        near, *far = self.lengths
        if near.words:
            yield near.words
            return
        for difference in far:
            if difference.words and difference.is_run:
                yield f"in {difference.length:,} tokens {difference.words}"
                return

    @property
    def orders(self) -> tuple[str, ...]:
        """What is right only if the weights are in another order, or scores scaled elsewhere."""
        return tuple(self._orders())

    def _orders(self) -> Iterator[str]:
        a, b = self.first, self.second
        if a.is_still or b.is_still:
            return
        if a.pairing and b.pairing and a.pairing != b.pairing and not self.is_permuted:
            alike = _is_near(a, [x for row in b.before for x in row])
            also = ", and both got the same q, lane by lane" if alike else ""
            yield (
                f"{a.pairing} against {b.pairing} pairing: "
                f"right only if the rows of the weights of q and k were permuted{also}"
            )
        if a.width == b.width and a.pairing and b.pairing and a.start != b.start:
            yield (
                f"turns the lanes from {a.start} on against those from {b.start} on: "
                "right only if the rows of the weights of q and k were permuted"
            )
        if abs(a.amplitude - b.amplitude) > SAME_AMPLITUDE * abs(a.amplitude):
            yield (
                f"times {a.amplitude:.4g} against {b.amplitude:.4g}: "
                "right only if the scores are scaled accordingly"
            )

    @property
    def is_permuted(self) -> bool:
        """Whether q goes into the second as into the first, its lanes in the order of the other
        pairing: the weights were permuted."""
        half, partner = self.first, self.second
        if half.pairing == partner.pairing or not half.before:
            return False
        if half.pairing != "half":
            half, partner = partner, half
        return _is_near(half, [x for row in partner.before for x in (*row[::2], *row[1::2])])

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is not known."""
        return tuple(dict.fromkeys(self._doubts()))

    def _doubts(self) -> Iterator[str]:
        a, b = self.first, self.second
        if a.is_still or b.is_still:
            return
        if bool(a.rows) != bool(b.rows):
            yield "one turns by position, the other by places that are not those of a sequence"
        elif self._shape_differs:
            yield "they turn by the places of different grids"
        for difference in self.lengths:
            if difference.why:
                yield f"in {difference.length:,} tokens: {difference.why}"
            elif difference.words and not difference.is_run and not self.lengths[0].words:
                name = self.names[difference.first.source != "frequencies"]
                yield (
                    f"in {difference.length:,} tokens {difference.words}, if {name}, "
                    "which was not run there, goes on as in the one pass"
                )

    @cached_property
    def _rows(self) -> tuple[Tensor, Tensor]:
        """The angles (S, P) of the rows that turn."""
        return _turning_rows(self.first), _turning_rows(self.second)

    @property
    def _shape_differs(self) -> bool:
        a, b = self._rows
        return bool(self.first.rows and self.second.rows) and a.shape != b.shape

    @property
    def _rows_differ(self) -> bool:
        a, b = self._rows
        noise = max(self.first.noise, self.second.noise)
        return float(wrap(a - b).abs().max()) > max(10 * noise, PARTING)


def _turning_rows(layer: LayerRotation) -> Tensor:
    """The angles (S, P) of the one pass, without the rows at both ends that stand still: of class
    tokens and registers, which some stacks leave out before they turn the rest."""
    rows = torch.tensor(layer.rows, dtype=torch.float64)  # (S, P)
    if not layer.rows:
        return rows
    moving = (wrap(rows).abs().amax(-1) > layer.noise).nonzero().flatten()
    return rows[int(moving[0]) : int(moving[-1]) + 1] if len(moving) else rows


def _is_near(layer: LayerRotation, values: list[float]) -> bool:
    """Whether q goes into a layer with these values."""
    x = torch.tensor([value for row in layer.before for value in row], dtype=torch.float64)  # (N,)
    y = torch.tensor(values, dtype=torch.float64)  # (N,)
    return x.shape == y.shape and bool((x - y).norm() <= SAME_VALUES * x.norm()) and len(x) > 0
