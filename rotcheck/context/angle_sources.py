"""Asks an object for its angles at positions, in the way that recognition found."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec
import torch
from torch import Tensor

from rotcheck.context.angle_profile import AngleProfile
from rotcheck.convention import FORMS, Convention, once
from rotcheck.identify.making.maker_call_candidates import MakerCall
from rotcheck.identify.making.returned_tables import call_maker
from rotcheck.identify.reading.caller import Caller
from rotcheck.identify.reading.probe_sizes import ProbeSizes
from rotcheck.measure.boundary import last_accepted
from rotcheck.measure.device import fetch

LENGTHS = (9, 258, 2050, 4098, 16386, 32768, 131072)
"""How many rows to ask for of an object that counts from 0, as long as it gives them quickly."""
PATIENCE = 3.0  # seconds that the next of these may take
REPEATS = 3  # calls to see whether it really takes as long
ROWS = 3  # to ask for at each position, of an object that takes an offset


class NoRotation(Exception):
    """What came back cannot be read as angles; the message says why."""

    def __init__(self, message: str, finding: str = "no-rotation") -> None:
        super().__init__(message)
        self.finding = finding


class PastEnd(Exception):
    """A position past the last one that the object accepts on the CPU."""


@dataclass(frozen=True, slots=True)
class Turns:
    """cos and sin (n, P), float64, at the positions asked for, as they came back."""

    cos: Tensor
    sin: Tensor

    def equals(self, turns: "Turns") -> bool:
        """Whether both are equal bit by bit."""
        return torch.equal(self.cos, turns.cos) and torch.equal(self.sin, turns.sin)

    def largest_difference(self, turns: "Turns") -> float:
        """The largest difference of an element; NaN if one is NaN."""
        return float(
            torch.maximum((self.cos - turns.cos).abs(), (self.sin - turns.sin).abs()).max()
        )


Look = Callable[[Sequence[int]], Turns]


@dataclass(frozen=True, slots=True)
class PositionRange:
    """What answers for positions up to the last one."""

    look: Look
    last: int
    limit: str | None = None  # why it ends there
    refusal: str = ""  # what the object raised for more, where it did
    by_one: bool = True  # each look is a call


class AngleSource(Protocol):
    """An object that can be asked."""

    at_once: int  # positions that are asked for in one call

    def ask(self, positions: Sequence[int]) -> Turns:
        """Call it for these positions. Raises `NoRotation`, and what the object raises."""

    def run(self, positions: Sequence[int]) -> Turns:
        """Call it once for all positions from 0 on, and pick what it gives for these."""

    def range_to(self, most: int) -> PositionRange:
        """What answers for positions up to `most`, or as far as the object makes rows quickly."""


def angle_source(
    function: Callable[..., Any],
    profile: AngleProfile,
    device: str,
    dtype: torch.dtype = torch.float32,
) -> AngleSource:
    """What asks this object; `dtype` is that of a tensor that it is shown."""
    inner = (
        TableSource(function, profile, device, dtype)
        if profile.kind == "builds"
        else RotationSource(function, profile, device, dtype)
    )
    return inner if profile.asking in ("any", "offset") else RowSource(inner, profile)


class TableSource:
    """Asks an object that makes tables for positions."""

    at_once = 256

    def __init__(
        self, function: Callable[..., Any], profile: AngleProfile, device: str, dtype: torch.dtype
    ) -> None:
        self._function, self._profile, self._dtype = function, profile, dtype
        self._recipe = replace(msgspec.convert(profile.recipe, MakerCall), device=device)

    def ask(self, positions: Sequence[int]) -> Turns:
        return self.read(self.call(list(positions)), range(len(positions)))

    def run(self, positions: Sequence[int]) -> Turns:
        return self.read(self.call(range(max(positions) + 1)), positions)

    def range_to(self, most: int) -> PositionRange:
        return PositionRange(self.ask, most)

    def call(self, positions: Sequence[int]) -> list[Tensor]:
        """Call it; the tensors that it returns, on the CPU."""
        _check(self._profile, positions)
        rows = torch.tensor(list(positions))
        return _tensors(call_maker(self._function, self._recipe, rows, len(rows), self._dtype))

    def read(self, answer: Sequence[Tensor], rows: Sequence[int]) -> Turns:
        """Read these rows of an answer, as tables of the form that they had as constructed."""
        profile = self._profile
        first, second = _parts(answer, profile)
        cos = _rows_of(first, profile.axes, rows)
        sin = _rows_of(second, profile.axes, rows)
        return Turns(*(once(part, profile.table_lanes) for part in (cos, sin)))


def _check(profile: AngleProfile, positions: Sequence[int]) -> None:
    if profile.last is not None and max(positions) > profile.last:
        raise PastEnd(profile.last_because)


def _tensors(answer: Any) -> list[Tensor]:
    """Read back the tensors of an answer."""
    several = tuple(answer.values()) if isinstance(answer, dict) else answer
    parts = several if isinstance(several, (tuple, list)) else (several,)
    tensors = [part for part in parts if isinstance(part, Tensor)]
    if not tensors:
        raise NoRotation(f"returns {type(answer).__name__}")
    if any(tensor.is_meta for tensor in tensors):
        raise NoRotation(
            "returns tensors on meta: a table that is no buffer was left there", "left-on-meta"
        )
    return [fetch(tensor) for tensor in tensors]


def _parts(tensors: Sequence[Tensor], profile: AngleProfile) -> tuple[Tensor, Tensor]:
    """cos and sin with all their axes."""
    table = tensors[0]
    if profile.form == "complex" and not table.is_complex():
        raise NoRotation(
            f"returns {_words(table)} where its table was complex: sin is lost", "imaginary-dropped"
        )
    if profile.order in ("cos, sin", "sin, cos"):
        cos, sin = (table, tensors[1]) if len(tensors) > 1 else (table[0], table[1])
        return (cos, sin) if profile.order == "cos, sin" else (sin, cos)
    if profile.order in ("one tensor", "sin first"):
        form = FORMS[profile.form]
        first, second = form.read((table.double() if form.angular else table,))
        return (second, first) if profile.order == "sin first" else (first, second)
    if profile.order in ("cos/sin", "sin/cos"):
        first, second = table.unbind(-2)
        return (first, second) if profile.order == "cos/sin" else (second, first)
    first_half, second_half = (
        (table[..., ::2], table[..., 1::2]) if "|" in profile.order else table.chunk(2, -1)
    )
    return (
        (first_half, second_half) if profile.order.startswith("cos") else (second_half, first_half)
    )


def _rows_of(table: Tensor, axes: str, rows: Sequence[int]) -> Tensor:
    """Rows (n, W) of a table, the first along its other axes."""
    at = axes.index("s")
    if table.dim() != len(axes) or table.shape[at] <= max(rows):
        raise NoRotation(
            f"returns {_words(table)} when asked for {max(rows) + 1} rows", "fewer-rows"
        )
    table_rows = table.movedim(at, 0)[torch.as_tensor(list(rows))]
    return table_rows.reshape(len(rows), -1, table.shape[-1])[:, 0].double()


def _words(tensor: Tensor) -> str:
    return f"{str(tensor.dtype)[6:]} {tuple(tensor.shape)}"


class RotationSource:
    """Asks an object that rotates: given (1, 0) in each pair, it returns cos and sin."""

    def __init__(
        self, function: Callable[..., Any], profile: AngleProfile, device: str, dtype: torch.dtype
    ) -> None:
        self._convention = msgspec.convert(profile.convention, Convention)
        probe = ProbeSizes(batch=1, heads=1, width=profile.width, rotary=profile.rotary)
        self._profile, self._caller = profile, Caller(function, torch.device(device), probe, dtype)
        self._offset = profile.asking == "offset"
        self.at_once = 8 if self._offset else 256

    def ask(self, positions: Sequence[int]) -> Turns:
        if not self._offset:
            return self.call(positions)
        rows = [self.call(range(position, position + ROWS), position) for position in positions]
        return Turns(
            torch.cat([row.cos[:1] for row in rows]), torch.cat([row.sin[:1] for row in rows])
        )

    def run(self, positions: Sequence[int]) -> Turns:
        return self.read(self.call(range(max(positions) + 1)), positions)

    def range_to(self, most: int) -> PositionRange:
        return PositionRange(self.ask, most)

    def call(self, positions: Sequence[int], offset: int = 0) -> Turns:
        """Turn a row for each position."""
        _check(self._profile, positions)
        self._caller.probe = replace(
            self._caller.probe, length=len(positions), positions=tuple(positions)
        )
        cos, sin = self._caller.pair_cos_sin(self._convention, offset)
        return Turns(cos, sin)

    def read(self, answer: Turns, rows: Sequence[int]) -> Turns:
        """Pick these rows."""
        at = torch.as_tensor(list(rows))
        return Turns(answer.cos[at], answer.sin[at])


class RowSource:
    """Asks an object that makes all rows from 0, or returns those that it holds."""

    at_once = 4096

    def __init__(self, inner: TableSource | RotationSource, profile: AngleProfile) -> None:
        self._inner, self._profile = inner, profile

    def ask(self, positions: Sequence[int]) -> Turns:
        return self._inner.run(positions)

    def run(self, positions: Sequence[int]) -> Turns:
        return self._inner.run(positions)

    def range_to(self, most: int) -> PositionRange:
        if self._profile.asking == "none":
            return self._table_range()
        began = time.perf_counter()
        best = self._rows(LENGTHS[0])
        seconds = time.perf_counter() - began
        for length in (length for length in self._lengths() if LENGTHS[0] < length <= most + 1):
            if self._too_slow(best.last + 1, length, seconds):
                return replace(best, limit=f"{length} rows would take more than {PATIENCE:g} s")
            began = time.perf_counter()
            try:
                best = self._rows(length)
            except Exception as error:  # it has fewer rows: how many, is looked for
                return self._up_to(best, length, reason(error))
            seconds = time.perf_counter() - began
        return best

    def _too_slow(self, rows: int, length: int, seconds: float) -> bool:
        """Whether so many rows would take too long; one slow call says little on a busy machine."""
        for _ in range(REPEATS):
            if seconds * length / rows <= PATIENCE:
                return False
            began = time.perf_counter()
            self._rows(rows)
            seconds = min(seconds, time.perf_counter() - began)
        return True

    def _up_to(self, best: PositionRange, refusal: int, why: str) -> PositionRange:
        """Find the largest number of rows that it gives, below one that it refuses."""
        whys = {refusal: why}

        def gives(length: int) -> bool:
            nonlocal best
            try:
                best = self._rows(length)
            except Exception as error:
                whys[length] = reason(error)
                return False
            return True

        rows = last_accepted(best.last + 1, refusal, gives)
        why = whys[min(whys)]
        return replace(best, limit=f"it gives {rows} rows and no more: {why}", refusal=why)

    def _rows(self, length: int) -> PositionRange:
        answer: Any = self._inner.call(range(length))
        self._inner.read(answer, [length - 1])
        return PositionRange(
            lambda positions: self._inner.read(answer, positions), length - 1, by_one=False
        )

    def _lengths(self) -> list[int]:
        claims = [self._profile.claims] if self._profile.claims else []
        return sorted({*LENGTHS, *claims})

    def _table_range(self) -> PositionRange:
        assert isinstance(self._inner, TableSource), "one that takes no positions returns tables"
        inner, answer = self._inner, self._inner.call([0])
        first, _ = _parts(answer, self._profile)
        rows = (
            first.shape[self._profile.axes.index("s")]
            if first.dim() == len(self._profile.axes)
            else 1
        )
        limit = f"it holds {rows} rows"
        return PositionRange(
            lambda positions: inner.read(answer, positions),
            rows - 1,
            limit,
            limit,
            by_one=False,
        )


def reason(error: BaseException) -> str:
    """An exception in one line."""
    if isinstance(error, PastEnd):
        return str(error)
    first = (str(error).splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
