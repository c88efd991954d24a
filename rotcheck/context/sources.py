"""Asks an object for its angles at positions, in the way that it was found to take them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec
import torch
from torch import Tensor

from rotcheck.context.known import Known
from rotcheck.convention import Convention
from rotcheck.identify.making import table_calls
from rotcheck.identify.reading.response import Caller, ProbeSizes
from rotcheck.measure.device import fetch

LENGTHS = (9, 258, 2050, 4098, 16386, 32768, 131072)
"""Rows that one is asked for that counts from 0, as long as it gives them and takes little time."""
PATIENCE = 3.0  # seconds that the next step of these may take
AGAIN = 3  # calls to see whether it really takes as long
ROWS = 3  # that one is asked for which takes an offset, for the position of each


class NoRotation(Exception):
    """What came back cannot be read as angles at all; the message says why."""

    def __init__(self, message: str, finding: str = "no-rotation") -> None:
        super().__init__(message)
        self.finding = finding


class PastEnd(Exception):
    """A position past the last one that the object takes on the CPU: no other device is asked for it."""


@dataclass(frozen=True, slots=True)
class Turns:
    """cos and sin (n, P), float64, at the positions asked for, as they came back."""

    cos: Tensor
    sin: Tensor

    def same(self, other: "Turns") -> bool:
        """Whether both are equal bit by bit."""
        return torch.equal(self.cos, other.cos) and torch.equal(self.sin, other.sin)

    def apart(self, other: "Turns") -> float:
        """Return the largest difference of an element; NaN when one is."""
        return float(
            torch.maximum((self.cos - other.cos).abs(), (self.sin - other.sin).abs()).max()
        )


Look = Callable[[Sequence[int]], Turns]


@dataclass(frozen=True, slots=True)
class Reach:
    """What answers for positions up to the last one; `stopped`: why that is not further."""

    look: Look
    last: int
    stopped: str | None = None
    refused: str = ""  # what it raised for more, where it did
    by_one: bool = True  # each look is a call


class Source(Protocol):
    """An object that can be asked."""

    at_once: int  # positions that are asked for in one call

    def ask(self, positions: Sequence[int]) -> Turns:
        """Call it for these positions. Raises `NoRotation`, and what the object raises."""

    def run(self, positions: Sequence[int]) -> Turns:
        """Call it once for all positions from 0 on, and return what it gives for these."""

    def reached(self, most: int) -> Reach:
        """Return what answers for positions up to `most`, or as far as the object makes rows in little time."""


def source(
    function: Callable[..., Any], known: Known, device: str, dtype: torch.dtype = torch.float32
) -> Source:
    """Return how to ask this object; `dtype` is that of a tensor that it is shown."""
    made = (
        Tables(function, known, device, dtype)
        if known.kind == "builds"
        else Rotation(function, known, device, dtype)
    )
    return made if known.asking in ("any", "offset") else Counted(made, known)


class Tables:
    """One that makes tables for positions."""

    at_once = 256

    def __init__(
        self, function: Callable[..., Any], known: Known, device: str, dtype: torch.dtype
    ) -> None:
        self._function, self._known, self._dtype = function, known, dtype
        self._recipe = replace(msgspec.convert(known.recipe, table_calls.Recipe), device=device)

    def ask(self, positions: Sequence[int]) -> Turns:
        return self.read(self.call(list(positions)), range(len(positions)))

    def run(self, positions: Sequence[int]) -> Turns:
        return self.read(self.call(range(max(positions) + 1)), positions)

    def reached(self, most: int) -> Reach:
        return Reach(self.ask, most)

    def call(self, positions: Sequence[int]) -> list[Tensor]:
        """Call it and return the tensors that it returns, on the CPU."""
        _check(self._known, positions)
        rows = torch.tensor(list(positions))
        return _tensors(
            table_calls.called(self._function, self._recipe, rows, len(rows), self._dtype)
        )

    def read(self, returned: Sequence[Tensor], rows: Sequence[int]) -> Turns:
        """Read these rows of what came back, as tables of the form that they had as constructed."""
        known = self._known
        first, second = _parts(returned, known)
        cos = _picked(first, known.axes, rows)
        sin = _picked(second, known.axes, rows)
        return Turns(*(_once(part, known.table_lanes) for part in (cos, sin)))


def _check(known: Known, positions: Sequence[int]) -> None:
    if known.last is not None and max(positions) > known.last:
        raise PastEnd(known.ended)


def _tensors(returned: Any) -> list[Tensor]:
    """Read the tensors back that came."""
    several = tuple(returned.values()) if isinstance(returned, dict) else returned
    parts = several if isinstance(several, (tuple, list)) else (several,)
    tensors = [part for part in parts if isinstance(part, Tensor)]
    if not tensors:
        raise NoRotation(f"returns {type(returned).__name__}")
    if any(tensor.is_meta for tensor in tensors):
        raise NoRotation(
            "returns tensors on meta: a table that is no buffer was left there", "left-on-meta"
        )
    return [fetch(tensor) for tensor in tensors]


def _parts(tensors: Sequence[Tensor], known: Known) -> tuple[Tensor, Tensor]:
    """Return cos and sin with all their axes."""
    table = tensors[0]
    if known.form == "complex" and not table.is_complex():
        raise NoRotation(
            f"returns {_words(table)} where its table was complex: sin is lost", "imaginary-dropped"
        )
    if known.order in ("cos, sin", "sin, cos"):
        cos, sin = (table, tensors[1]) if len(tensors) > 1 else (table[0], table[1])
        return (cos, sin) if known.order == "cos, sin" else (sin, cos)
    if known.form == "complex":
        return table.real, table.imag
    if known.form == "stacked":
        first, second = table.unbind(-1)
        return (second, first) if known.order == "sin first" else (first, second)
    if known.order in ("cos/sin", "sin/cos"):
        first, second = table.unbind(-2)
        return (first, second) if known.order == "cos/sin" else (second, first)
    if known.form == "matrix":
        return table[..., 0, 0], table[..., 1, 0]
    if known.form.startswith("angles"):
        return table.double().cos(), table.double().sin()
    left, right = (table[..., ::2], table[..., 1::2]) if "|" in known.order else table.chunk(2, -1)
    return (left, right) if known.order.startswith("cos") else (right, left)


def _picked(table: Tensor, axes: str, rows: Sequence[int]) -> Tensor:
    """Return rows (n, W) of a table, of its other axes the first."""
    at = axes.index("s")
    if table.dim() != len(axes) or table.shape[at] <= max(rows):
        raise NoRotation(
            f"returns {_words(table)} when asked for {max(rows) + 1} rows", "fewer-rows"
        )
    chosen = table.movedim(at, 0)[torch.as_tensor(list(rows))]
    return chosen.reshape(len(rows), -1, table.shape[-1])[:, 0].double()


def _once(table: Tensor, order: str | None) -> Tensor:
    if order == "half":
        return table[:, : table.shape[-1] // 2]
    return table[:, ::2] if order == "interleaved" else table


def _words(tensor: Tensor) -> str:
    return f"{str(tensor.dtype)[6:]} {tuple(tensor.shape)}"


class Rotation:
    """One that rotates by positions: it is given (1, 0) of every pair, and cos and sin come back."""

    def __init__(
        self, function: Callable[..., Any], known: Known, device: str, dtype: torch.dtype
    ) -> None:
        self._convention = msgspec.convert(known.convention, Convention)
        probe = ProbeSizes(batch=1, heads=1, width=known.width, rotary=known.rotary)
        self._known, self._trier = known, Caller(function, torch.device(device), probe, dtype)
        self._offset = known.asking == "offset"
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

    def reached(self, most: int) -> Reach:
        return Reach(self.ask, most)

    def call(self, positions: Sequence[int], offset: int = 0) -> Turns:
        """Turn a row for each position."""
        _check(self._known, positions)
        self._trier.probe = replace(
            self._trier.probe, length=len(positions), positions=tuple(positions)
        )
        cos, sin = self._trier.pair_cos_sin(self._convention, offset)
        return Turns(cos, sin)

    def read(self, returned: Turns, rows: Sequence[int]) -> Turns:
        """Pick these rows."""
        at = torch.as_tensor(list(rows))
        return Turns(returned.cos[at], returned.sin[at])


class Counted:
    """One that makes all rows from 0, or returns those that it holds."""

    at_once = 4096

    def __init__(self, inner: Tables | Rotation, known: Known) -> None:
        self._inner, self._known = inner, known

    def ask(self, positions: Sequence[int]) -> Turns:
        return self._inner.run(positions)

    def run(self, positions: Sequence[int]) -> Turns:
        return self._inner.run(positions)

    def reached(self, most: int) -> Reach:
        if self._known.asking == "none":
            return self._held()
        began = time.perf_counter()
        best = self._rows(LENGTHS[0])
        spent = time.perf_counter() - began
        for length in (length for length in self._lengths() if LENGTHS[0] < length <= most + 1):
            if self._too_slow(best.last + 1, length, spent):
                return replace(best, stopped=f"{length} rows would take more than {PATIENCE:g} s")
            began = time.perf_counter()
            try:
                best = self._rows(length)
            except Exception as error:  # it has fewer rows: how many, is looked for
                return self._up_to(best, length, reason(error))
            spent = time.perf_counter() - began
        return best

    def _too_slow(self, rows: int, wanted: int, spent: float) -> bool:
        """Return whether so many rows would take too long; one slow call says little on a busy machine."""
        for _ in range(AGAIN):
            if spent * wanted / rows <= PATIENCE:
                return False
            began = time.perf_counter()
            self._rows(rows)
            spent = min(spent, time.perf_counter() - began)
        return True

    def _up_to(self, best: Reach, refused: int, why: str) -> Reach:
        """Find the largest number of rows that it gives, between one that it gives and one that it does not."""
        while refused - best.last > 2:
            length = (best.last + 1 + refused) // 2
            try:
                best = self._rows(length)
            except Exception as error:
                refused, why = length, reason(error)
        return replace(
            best, stopped=f"it gives {best.last + 1} rows and no more: {why}", refused=why
        )

    def _rows(self, length: int) -> Reach:
        returned: Any = self._inner.call(range(length))
        self._inner.read(returned, [length - 1])
        return Reach(
            lambda positions: self._inner.read(returned, positions), length - 1, by_one=False
        )

    def _lengths(self) -> list[int]:
        claims = [self._known.claims] if self._known.claims else []
        return sorted({*LENGTHS, *claims})

    def _held(self) -> Reach:
        assert isinstance(self._inner, Tables), "one that takes no positions returns tables"
        inner, returned = self._inner, self._inner.call([0])
        first, _ = _parts(returned, self._known)
        rows = (
            first.shape[self._known.axes.index("s")] if first.dim() == len(self._known.axes) else 1
        )
        stopped = f"it holds {rows} rows"
        return Reach(
            lambda positions: inner.read(returned, positions),
            rows - 1,
            stopped,
            stopped,
            by_one=False,
        )


def reason(error: BaseException) -> str:
    """Return an exception in one line."""
    if isinstance(error, PastEnd):
        return str(error)
    first = (str(error).splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


__all__ = ["NoRotation", "Source", "Turns", "reason", "source"]
