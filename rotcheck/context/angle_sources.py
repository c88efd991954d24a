"""Asks an object for its angles at positions, in the way that recognition found."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec
import torch
from torch import Tensor

from rotcheck.context.angle_profile import AngleProfile
from rotcheck.context.asked_positions import LENGTHS
from rotcheck.convention import FORMS, Convention, once
from rotcheck.errors import first_line
from rotcheck.identify.making.maker_call_candidates import MakerCall
from rotcheck.identify.making.returned_tables import call_maker, parts_of
from rotcheck.identify.reading.caller import Caller
from rotcheck.identify.reading.probe_sizes import ProbeSizes
from rotcheck.measure.boundary import last_answered
from rotcheck.measure.device import fetch

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

    @property
    def angles(self) -> Tensor:
        """The angles (n, P), in (-pi, pi]."""
        return torch.atan2(self.sin, self.cos)

    @property
    def last(self) -> "Turns":
        """The last row (1, P) alone."""
        return Turns(self.cos[-1:], self.sin[-1:])

    def difference(self, turns: "Turns") -> str | None:
        """By how much elements differ, in words; None: all bits are the same."""
        if torch.equal(self.cos, turns.cos) and torch.equal(self.sin, turns.sin):
            return None
        off = torch.maximum((self.cos - turns.cos).abs(), (self.sin - turns.sin).abs()).max()
        return f"cos and sin differ by up to {float(off):.2g}"


Look = Callable[[Sequence[int]], Turns]


@dataclass(frozen=True, slots=True)
class PositionRange:
    """What answers for positions up to the last one."""

    look: Look
    last: int
    limit: str | None = None  # why it ends there
    refusal: str = ""  # what the object raised for more, where it did
    by_one: bool = True  # each look is a call


class AngleSource:
    """Asks an object, in the way that its profile says.

    `dtype`: of a tensor that it is shown.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        profile: AngleProfile,
        device: str,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        answers = _Tables if profile.kind == "builds" else _Rotations
        self._answers, self._profile = answers(function, profile, device, dtype), profile
        # positions that are asked for in one call
        self.at_once = {"any": 256, "offset": 8}.get(profile.asking, 4096)

    def ask(self, positions: Sequence[int]) -> Turns:
        """Call it for these positions. Raises `NoRotation`, and what the object raises."""
        if self._profile.asking == "any":
            return self.rows(positions)
        if self._profile.asking == "offset":
            rows = [self.rows(range(at, at + ROWS), at) for at in positions]
            return Turns(
                torch.cat([row.cos[:1] for row in rows]), torch.cat([row.sin[:1] for row in rows])
            )
        return self.run(positions)

    def rows(self, positions: Sequence[int], offset: int = 0) -> Turns:
        """Call it once for a row of each of these positions."""
        return self._answers.read(self._call(positions, offset), range(len(positions)))

    def run(self, positions: Sequence[int]) -> Turns:
        """Call it once for all positions from 0 on, and pick what it gives for these."""
        return self._answers.read(self._call(range(max(positions) + 1)), positions)

    def _call(self, positions: Sequence[int], offset: int = 0) -> Any:
        last = self._profile.last
        if last is not None and max(positions) > last:
            raise PastEnd(self._profile.last_because)
        return self._answers.call(positions, offset)

    def range_to(self, most: int) -> PositionRange:
        """What answers for positions up to `most`, or as far as the object makes rows quickly."""
        if self._profile.asking in ("any", "offset"):
            return PositionRange(self.ask, most)
        if self._profile.asking == "none":
            return self._table_range()
        began = time.perf_counter()
        best = self._first(LENGTHS[0])
        seconds = time.perf_counter() - began
        for length in sorted({*LENGTHS[1:], self._profile.claims or LENGTHS[-1]}):
            if not LENGTHS[0] < length <= most + 1:
                continue
            if self._too_slow(best.last + 1, length, seconds):
                return replace(best, limit=f"{length} rows would take more than {PATIENCE:g} s")
            began = time.perf_counter()
            try:
                best = self._first(length)
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
            self._first(rows)
            seconds = min(seconds, time.perf_counter() - began)
        return True

    def _up_to(self, best: PositionRange, refusal: int, why: str) -> PositionRange:
        """Find the largest number of rows that it gives, below one that it refuses."""
        rows, most, error = last_answered(best.last + 1, refusal, self._first)
        why = reason(error) if error else why
        limit = f"it gives {rows} rows and no more: {why}"
        return replace(most or best, limit=limit, refusal=why)

    def _first(self, length: int) -> PositionRange:
        """The first rows, so many, in one call."""
        answer = self._call(range(length))
        self._answers.read(answer, [length - 1])
        return PositionRange(partial(self._answers.read, answer), length - 1, by_one=False)

    def _table_range(self) -> PositionRange:
        """The rows of the table that it holds, whatever it is asked for."""
        answer, axes = self._call([0]), self._profile.axes
        table, _ = _cos_and_sin(answer, self._profile)
        rows = table.shape[axes.index("s")] if table.dim() == len(axes) else 1
        limit = f"it holds {rows} rows"
        look = partial(self._answers.read, answer)
        return PositionRange(look, rows - 1, limit, limit, by_one=False)


class _Rotations:
    """The answers of an object that rotates: given (1, 0) in each pair, it returns cos and sin."""

    def __init__(
        self, function: Callable[..., Any], profile: AngleProfile, device: str, dtype: torch.dtype
    ) -> None:
        self._convention = msgspec.convert(profile.convention, Convention)
        probe = ProbeSizes(batch=1, heads=1, width=profile.width, rotary=profile.rotary)
        self._caller = Caller(function, torch.device(device), probe, dtype)

    def call(self, positions: Sequence[int], offset: int) -> Turns:
        """Turn a row for each position."""
        probe, rows = self._caller.probe, tuple(positions)
        self._caller.probe = replace(probe, length=len(rows), positions=rows)
        return Turns(*self._caller.pair_cos_sin(self._convention, offset))

    def read(self, answer: Turns, rows: Sequence[int]) -> Turns:
        """Pick these rows; all of them as they came, since a copy may be rounded otherwise."""
        if rows == range(len(answer.cos)):
            return answer
        at = torch.as_tensor(list(rows))
        return Turns(answer.cos[at], answer.sin[at])


class _Tables:
    """The answers of an object that makes tables for positions: the tensors that it returns."""

    def __init__(
        self, function: Callable[..., Any], profile: AngleProfile, device: str, dtype: torch.dtype
    ) -> None:
        recipe = recipe_of(profile)
        assert recipe is not None, "it was found by that"
        self._function, self._profile, self._dtype = function, profile, dtype
        self._recipe = replace(recipe, device=device)

    def call(self, positions: Sequence[int], offset: int) -> list[Tensor]:
        """Call it; the tensors that it returns, on the CPU."""
        rows = torch.tensor(list(positions))
        answer = call_maker(self._function, self._recipe, rows, len(rows), self._dtype)
        tensors = parts_of(answer)
        if not tensors:
            raise NoRotation(f"returns {type(answer).__name__}")
        if any(tensor.is_meta for tensor in tensors):
            raise NoRotation(
                "returns tensors on meta: a table that is not a buffer was left there",
                "left-on-meta",
            )
        return [fetch(tensor) for tensor in tensors]

    def read(self, answer: Sequence[Tensor], rows: Sequence[int]) -> Turns:
        """Read these rows of an answer, as tables of the form that they had as constructed."""
        axes, lanes = self._profile.axes, self._profile.table_lanes
        tables = _cos_and_sin(answer, self._profile)
        return Turns(*(once(_rows_of(table, axes, rows), lanes) for table in tables))


def recipe_of(profile: AngleProfile) -> MakerCall | None:
    """How one that builds tables is called; None: it rotates."""
    return msgspec.convert(profile.recipe, MakerCall) if profile.recipe else None


def _cos_and_sin(tensors: Sequence[Tensor], profile: AngleProfile) -> tuple[Tensor, Tensor]:
    """cos and sin with all their axes."""
    table, order = tensors[0], profile.order
    if profile.form == "complex" and not table.is_complex():
        raise NoRotation(
            f"returns {_words(table)} where its table was complex: sin is lost", "imaginary-dropped"
        )
    if order in ("one tensor", "sin first"):
        form = FORMS[profile.form]
        first, second = form.read((table.double() if form.angular else table,))
    elif ", " in order:
        first, second = (tensors if len(tensors) > 1 else table)[:2]
    elif "/" in order:
        first, second = table.unbind(-2)
    elif "|" in order:
        first, second = table[..., ::2], table[..., 1::2]
    else:
        first, second = table.chunk(2, -1)
    return (second, first) if order.startswith("sin") else (first, second)


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


def reason(error: BaseException) -> str:
    """An exception in one line."""
    if isinstance(error, PastEnd):
        return str(error)
    first = first_line(error)[:200]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
