"""What is asked of an implementation: tensors of different sizes everywhere, hard positions,
the truth."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import repeat
from typing import Protocol

import torch
from torch import Tensor

from rotcheck.convention import (
    Convention,
    Pairing,
    coordinate,
    laid_positions,
    lay,
    split,
    unlay,
)
from rotcheck.convention.calls import Call, sizes_of
from rotcheck.measure.device import read_back
from rotcheck.measure.fences import apart
from rotcheck.rotary import angles, lanes, pairs, rotate
from rotcheck.rotary.tables import tables_of

BATCH, HEADS, PAIRS = 2, 5, 32  # B, S, H, D and the 3 of packed qkv are all different
POSITIONS = (0, 1, 2, 3, 7, 63, 257, 1000, 2049, 4097, 16385, 65537, 131071)
"""257 is the first integer that bfloat16 cannot hold, 2049 the first for float16 and TF32."""

THETA = 10000.0
SEED = 20260101
_STILL = 1e-12  # radians a position: no pair of anybody turns as slowly
SLOTS = 3

Slots = tuple[Tensor, ...]
"""The pairs (B, S, H, P, 2) of q, of q and k, or of q, k and v, in float64."""


class CaseSubject(Protocol):
    """Who is judged: how it wants to be called, and where."""

    @property
    def convention(self) -> Convention: ...

    @property
    def device(self) -> torch.device: ...


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the problem is: B, H of q, H of k and v, D, and the position of each row,
    or of each row of each batch."""

    batch: int = BATCH
    heads: int = HEADS
    kv_heads: int = HEADS
    width: int = 2 * PAIRS
    positions: tuple[int, ...] | tuple[tuple[int, ...], ...] = POSITIONS


USUAL = Sizes()


class Case:
    """The problem in one dtype, laid out as a convention says.

    The same pairs are behind every layout and pairing, so that results of different implementations
    can be compared with each other. Lanes that do not rotate are pairs too, of angle 0, behind the
    others.
    """

    def __init__(self, judged: CaseSubject, dtype: torch.dtype, sizes: Sizes = USUAL) -> None:
        self.convention, self.device, self.dtype = judged.convention, judged.device, dtype
        axes = split(self.convention.axes)
        self.batch = sizes.batch if "b" in axes else 1
        self.heads = (self.convention.heads or sizes.heads) if "h" in axes else 1
        self.kv_heads = sizes.kv_heads if self.heads == sizes.heads else 1
        self.width = self.convention.head_dim or sizes.width
        self.rotary_dim = min(self.convention.rotary_dim or self.width, self.width)
        self.positions = _fitting(sizes.positions, self.convention)

    @cached_property
    def pairs(self) -> Slots:
        """The pairs that go in, as the dtype holds them, float64 on CPU."""
        return tuple(slot.to(self.dtype).double() for slot in self.draw(SEED))

    @cached_property
    def norms(self) -> Slots:
        """The norm (B, S, H, P) of each pair that goes in."""
        return tuple(torch.hypot(*slot.unbind(-1)) for slot in self.pairs)

    def draw(self, seed: int) -> Slots:
        """Random pairs in the shapes of what goes in, float64, not rounded."""
        heads = max(self.heads, self.kv_heads)
        exact = _draw(seed, (self.batch, self.length, SLOTS, heads, self.width // 2, 2))
        return tuple(
            exact[:, :, slot, : self.heads if name == "q" else self.kv_heads]
            for slot, name in enumerate(self.convention.slots)
        )

    @property
    def is_packed(self) -> bool:
        """Whether q, k and v come in one tensor."""
        return self.convention.is_packed

    @property
    def length(self) -> int:
        """How many rows there are."""
        first = self.positions[0]
        return len(first) if isinstance(first, tuple) else len(self.positions)

    @cached_property
    def angles(self) -> Tensor:
        """The angles (S, P) of all positions, or (B, S, P), in radians, float64, sign included."""
        return self.angles_at(self.position_rows)

    def angles_at(self, positions: Tensor) -> Tensor:
        """The angles (..., P) of all pairs at integer positions (...), sign included;
        those that stay: 0."""
        rotating = self.turned(positions)  # (..., rotary_dim/2)
        still = rotating.new_zeros(*rotating.shape[:-1], (self.width - self.rotary_dim) // 2)
        return torch.cat((rotating, still), -1) * self.convention.direction

    @cached_property
    def position_rows(self) -> Tensor:
        """The position of each row, ([B,] S), int64 on the CPU."""
        return torch.tensor(self.positions, device="cpu")

    def turned(self, positions: Tensor) -> Tensor:
        """The angles (..., rotary_dim / 2) of the lanes that rotate, at integer positions (...)."""
        if not self.convention.frequencies:
            return angles(positions, self.rotary_dim, self.convention.theta)
        return self.places(positions) * self.frequencies

    @cached_property
    def frequencies(self) -> Tensor:
        """What each pair of the lanes that rotate turns by, (rotary_dim / 2,),
        in radians a position, float64."""
        if self.convention.frequencies:
            return torch.tensor(self.convention.frequencies, dtype=torch.float64, device="cpu")
        one = torch.ones((), dtype=torch.int64, device="cpu")
        return angles(one, self.rotary_dim, self.convention.theta)

    def places(self, positions: Tensor) -> Tensor:
        """The position by which each pair turns, (..., 1), or of points its coordinate, (..., P);
        float64."""
        if not self.convention.points:
            return positions.double()[..., None]
        blocks = enumerate(self.frequencies.chunk(self.convention.blocks))
        coordinates = [
            coordinate(positions, axis)[..., None].expand(*positions.shape, len(frequencies))
            for axis, frequencies in blocks
        ]
        return torch.cat(coordinates, -1).double()

    @property
    def slack(self) -> Tensor | float:
        """What float32 may lose of a phase (S, P), in radians,
        where the function is not handed its cos and sin.

        Handed angles it loses a rounding. Frequencies that it computes itself are exp(-x
        log(theta)) however it is written: a rounding of x costs x log(theta) roundings of the
        frequency, which is the log of the frequency.
        """
        if self.convention.takes_tables and not self.convention.form.angular:
            return 0.0
        slack = torch.finfo(torch.float32).eps * self.angles.abs()
        if self.convention.takes_tables:
            return slack
        roundings = torch.ones(self.width // 2, dtype=torch.float64, device="cpu")  # (P,)
        roundings[: self.rotary_dim // 2] += self.frequencies.abs().clamp_min(_STILL).log().abs()
        return slack * roundings

    def inputs(self, slots: Sequence[Tensor] | None = None) -> tuple[Tensor, ...]:
        """Fresh input tensors on the device, of the case's own pairs or of those given."""
        if slots is None:
            return tuple(apart(x.clone()) for x in self._own_inputs)
        return tuple(map(apart, self._lay(slots, repeat(self.convention.pairing))))

    @cached_property
    def _own_inputs(self) -> tuple[Tensor, ...]:
        return self.inputs(self.pairs)

    def backwards(self, slots: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Fresh tensors as results have them, of pairs that flow back."""
        return self._lay(slots, self._output_pairings())

    def _lay(self, slots: Sequence[Tensor], orders: Iterable[Pairing]) -> tuple[Tensor, ...]:
        """Fresh tensors of pairs, with the lanes of each slot in its order."""
        rows = [self.lanes_of(slot, order) for slot, order in zip(slots, orders)]
        if self.is_packed:
            rows = [torch.stack(rows, 2)]  # (B, S, 3, H, D)
        return tuple(self.put(lay(row, self.convention.axes)) for row in rows)

    def put(self, values: Tensor) -> Tensor:
        """Values as a fresh contiguous tensor of the dtype on the device."""
        return values.to(self.dtype).contiguous().to(self.device, copy=True)

    def call(self, rows: slice = slice(None), dtype: torch.dtype | None = None) -> Call:
        """A call of fresh tensors for these rows,
        with tables in the form that the convention names."""
        convention, whole = self.convention, rows == slice(None)
        inputs = self.inputs(None if whole else [slot[:, rows] for slot in self.pairs])
        count = len(range(*rows.indices(self.length)))
        sizes = sizes_of(convention, self.batch, count, self.heads, self.width, self.rotary_dim)
        first = int(self.position_rows.flatten()[0])
        offset = first if convention.positions == "offset" else 0
        return Call(inputs, self.tables(rows, dtype), self._positions(rows), offset, sizes)

    def tables(
        self, rows: slice = slice(None), dtype: torch.dtype | None = None
    ) -> tuple[Tensor, ...]:
        """Fresh tables for the positions of these rows, in the form that the convention names."""
        if rows == slice(None) and dtype is None:
            return tuple(table.clone() for table in self._own_tables)
        return self._make_tables(rows, dtype or self.dtype)

    @cached_property
    def _own_tables(self) -> tuple[Tensor, ...]:
        return self._make_tables(slice(None), self.dtype)

    def _make_tables(self, rows: slice, dtype: torch.dtype) -> tuple[Tensor, ...]:
        turned = (self.angles * self.convention.direction)[..., rows, : self.rotary_dim // 2]
        if "b" in self.convention.table_axes and turned.dim() == 2:
            turned = turned.expand(self.batch, -1, -1)
        return tables_of(self.convention, turned, dtype, self.device)

    def _positions(self, rows: slice) -> Tensor | None:
        """The positions to pass, or the rows of the tables that they stand for,
        int64 on the device."""
        if not any(argument.endswith("positions") for argument in self.convention.called_with):
            return None
        at = self.position_rows[..., rows]
        if self.convention.takes_tables:
            at = torch.arange(at.shape[-1], device="cpu")
        return self.laid_positions(at)

    def laid_positions(self, at: Tensor) -> Tensor:
        """Positions (S,) or (B, S) with the axes that the convention wants, on the device."""
        convention = self.convention
        at = laid_positions(at, convention.position_axes, self.batch, points=convention.points)
        return at.contiguous().to(self.device, copy=True)

    def rotated(self, slots: Sequence[Tensor], angles: Tensor) -> Slots:
        """Rotate pairs in float64: q and k, while v stays as it is."""
        named = zip(slots, self.convention.slots)
        return tuple(slot if name == "v" else rotate(slot, angles) for slot, name in named)

    @cached_property
    def truth(self) -> Slots:
        """What the right result is: pairs in float64 on the CPU."""
        return self.rotated(self.pairs, self.angles)

    def read(self, results: Sequence[Tensor]) -> Slots:
        """Read results back as pairs in float64 on the CPU."""
        return tuple(map(self.pairs_of, self._slots(results), self._output_pairings()))

    def read_inputs(self, tensors: Sequence[Tensor]) -> Slots:
        """Read tensors laid out as inputs are."""
        return tuple(self.pairs_of(slot, self.convention.pairing) for slot in self._slots(tensors))

    def value(self, tensors: Sequence[Tensor]) -> Tensor:
        """v of packed or separate tensors, as it is."""
        if not self.is_packed:
            return tensors[-1]
        axes, x = self.convention.axes, tensors[0]
        if axes != split(axes):
            axes, x = split(axes), x.reshape(*x.shape[:-1], 3, -1)
        return x.select(axes.index("3"), 2)

    def _output_pairings(self) -> tuple[Pairing, ...]:
        """In which order of lanes each slot is written."""
        ours = self.convention.pairing
        written = self.convention.output_order
        return tuple(ours if name == "v" else written for name in self.convention.slots)

    def _slots(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        found: list[Tensor] = []
        for tensor in tensors:
            # (B, S, [3,] H, D)
            canonical = unlay(read_back(tensor), self.convention.axes, self.width)
            found += canonical.unbind(2) if self.is_packed else [canonical]
        return found

    def lanes_of(self, slot: Tensor, pairing: Pairing, blocks: int | None = None) -> Tensor:
        """The lanes (..., D) of pairs (..., P, 2), in the order in which they lie in memory."""
        turning = self.rotary_dim // 2
        turned = lanes(slot[..., :turning, :], pairing, blocks or self.convention.blocks)
        return torch.cat((turned, slot[..., turning:, :].flatten(-2)), -1)

    def pairs_of(self, lanes: Tensor, pairing: Pairing, blocks: int | None = None) -> Tensor:
        """The pairs (..., P, 2) of lanes (..., D); the inverse of `lanes_of`."""
        turned, still = lanes[..., : self.rotary_dim], lanes[..., self.rotary_dim :]
        turned_pairs = pairs(turned, pairing, blocks or self.convention.blocks)
        return torch.cat((turned_pairs, pairs(still, "interleaved")), -2)


@lru_cache(maxsize=16)
def _draw(seed: int, shape: tuple[int, ...]) -> Tensor:
    """Random numbers, float64 on the CPU: the same for each dtype, so that they are drawn once."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64, device="cpu")


def _fitting(
    positions: tuple[int, ...] | tuple[tuple[int, ...], ...], convention: Convention
) -> tuple[int, ...] | tuple[tuple[int, ...], ...]:
    """Positions that the convention can be asked for:
    consecutive ones where it counts them itself."""
    if convention.positions in ("from 0", "offset"):
        return tuple(range(len(positions)))
    last = convention.last_position
    if last is None or isinstance(positions[0], tuple):
        return positions
    return tuple(at for at in positions if isinstance(at, int) and at <= last)
