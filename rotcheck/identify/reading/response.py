"""What a call does to each lane: the function's matrix at every position, measured with basis vectors.

The tables that go in hold other numbers in every row and lane, cos and sin no rotation at all, so that each entry of
the matrix tells which entry of which table it was made of.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import FORMS, Convention, laid_positions, lanes, lay, pairs, split, unlay
from rotcheck.convention.table_forms import slotted
from rotcheck.identify.calling.search_limit import Limit
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.device import call, read_back
from rotcheck.measure.fences import fenced, fences, spoilt
from rotcheck.rotary.calls import Call, arguments, results
from rotcheck.rotary.tables import placed

WIDER = 4  # times the largest tensor of the call: so far may one write that takes another's strides
TOLERANCE = (
    2e-4  # two entries closer than this are one; those of a table's row lie 5e-4 apart and more
)


class UnfitCall(Exception):
    """The function does not take such a call, or gives back what no rotation does; the message says which."""


@dataclass(frozen=True, slots=True)
class ProbeSizes:
    """The sizes of the probe, all different, and the positions of its rows."""

    batch: int = 6  # neither 2 nor 3: a tuple of tables can be told from a batch that is unpacked
    length: int = 5
    heads: int = 7
    width: int = 16
    rotary: int = 16  # lanes that the tables are made for
    positions: tuple[int, ...] = (0, 1, 2, 3, 4)

    def sizes(self) -> dict[str, int]:
        """Return what a function that asks for sizes is told."""
        return {
            "B": self.batch,
            "S": self.length,
            "H": self.heads,
            "D": self.width,
            "R": self.rotary,
        }


@dataclass(frozen=True, slots=True)
class Sample:
    """A call with random values, (B, S, H, D) for each slot, and what came back."""

    convention: Convention
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Response:
    """The matrices (S, D, D) of q, k and v, as far as the call has them, and the tables (S, W) that made them."""

    matrices: tuple[Tensor, ...]  # row l, column i: what of lane i arrives in lane l
    cos: Tensor | None
    sin: Tensor | None
    uneven: str = ""  # along which axis else the response differs: "batch", "head"
    # a row's result holds something of another row, or is no sum over its lanes
    mixes: bool = False
    sample: Sample | None = None


def usual_sizes(**sizes: Any) -> ProbeSizes:
    """Return a probe with these sizes, and the others as small as they may be where calls are slow."""
    return ProbeSizes(**{"batch": 4, "heads": 3, **sizes}) if interprets() else ProbeSizes(**sizes)


def watches_memory(device: torch.device) -> bool:
    """Return whether the memory around tensors is watched: where kernels may write to any address."""
    return interprets() or device.type == "cuda"


def values(probe: ProbeSizes, lanes: int) -> tuple[Tensor, Tensor]:
    """Return cos and sin tables (S, W), all entries of a row different, float64.

    They are multiples of 1/256, which bfloat16 holds: what is rounded inside is read all the same.
    """
    step = 256 if 2 * lanes <= 170 else 2048
    grid = torch.arange(step // 5, step * 9 // 10, dtype=torch.float64) / step
    generator = torch.Generator().manual_seed(1)
    rows = [
        grid[torch.randperm(len(grid), generator=generator)[: 2 * lanes]]
        for _ in range(probe.length)
    ]
    both = torch.stack(rows)  # (S, 2W)
    return both[:, :lanes], both[:, lanes:]


@cache
def tables(form: str, probe: ProbeSizes) -> tuple[tuple[Tensor, ...], Tensor, Tensor]:
    """Return tables of a form (S, W, ...), and the cos and sin (S, W) that they stand for."""
    tables = FORMS[form]
    cos, sin = values(probe, probe.rotary if tables.repeats else probe.rotary // 2)
    if tables.angular:
        turned = 0.15 + 1.2 * cos  # distinct cosines, distinct sines, none alike
        return (turned,), turned.cos(), turned.sin()
    return tables.join(cos, sin), cos, sin


class Caller:
    """Calls a function as conventions say; `calls` counts how often."""

    def __init__(
        self,
        function: Callable[..., Any],
        device: torch.device,
        probe: ProbeSizes,
        dtype: torch.dtype = torch.float32,
        limit: Limit | None = None,
    ) -> None:
        self.function, self.device, self.probe, self.dtype = function, device, probe, dtype
        self.limit = limit or Limit()
        self.calls = 0
        self.any_returned = False  # any of them came back
        self.wrote_outside = False  # a call wrote outside of its tensors, where that is watched
        self._buffers: list[tuple[Tensor, int]] = []  # each with what is marked on either side
        self._starts: tuple[int, ...] = ()
        self._coordinate: int | None = None
        self._without: int | None = None
        self._padding = 0

    def with_changes(
        self,
        *,
        starts: tuple[int, ...] = (),
        coordinate: int | None = None,
        without: int | None = None,
        padding: int = 0,
    ) -> "Caller":
        """Return one that calls the same function in another way.

        `starts`: rows at which sequences begin that come one after another. `coordinate`: of positions, the only one
        that is not 0. `without`: which of three tables, for time, height and width, holds zeros. `padding`: rows of it
        in front of the first batch row.
        """
        other = Caller(self.function, self.device, self.probe, self.dtype)
        other._starts, other._coordinate, other._without = starts, coordinate, without
        other._padding = padding
        return other

    def rotate_ones(self, convention: Convention, offset: int = 0) -> Tensor:
        """Return what becomes of a q of ones (B, S, H, D)."""
        x = torch.ones(self.shape(convention), dtype=torch.float64)
        return self.call(convention, [x] * len(convention.slots), offset)[0]

    def pair_cos_sin(self, convention: Convention, offset: int = 0) -> tuple[Tensor, Tensor]:
        """Return cos and sin (S, P) by which the lanes that rotate turn at each row: (1, 0) of every pair goes in."""
        turning = (convention.rotary_dim or self.probe.width) // 2
        one = torch.zeros(turning, 2, dtype=torch.float64)
        one[:, 0] = 1.0
        x = torch.zeros(self.shape(convention), dtype=torch.float64)
        x[..., : 2 * turning] = lanes(one, convention.pairing, convention.blocks)
        result = self.call(convention, [x] * len(convention.slots), offset)[0][
            0, :, 0, : 2 * turning
        ]
        cos, sin = pairs(result, convention.written, convention.blocks).unbind(-1)
        return cos, sin

    def call(
        self, convention: Convention, slots: Sequence[Tensor], offset: int = 0
    ) -> tuple[Tensor, ...]:
        """Call it with q, k and v (B, S, H, D), as many as it takes, and return what becomes of each.

        Raises `Unfit` when the results are not like the inputs; what the function raises passes through.
        """
        inputs = self.inputs(convention, slots)
        returned = self.raw(convention, inputs, offset)
        found = results(returned, inputs, returned is None)
        if len(found) < len(inputs) - ("v" in convention.slots and not convention.packed):
            raise UnfitCall(f"returns {len(found)} for {len(inputs)} tensors")
        for result, x in zip(found, inputs):
            if not isinstance(result, Tensor) or result.shape != x.shape:
                raise UnfitCall("returns another shape than it was given")
        width = self.probe.width
        read = [unlay(read_back(result).real, convention.axes, width) for result in found]
        return tuple(read[0].unbind(2)) if convention.packed else tuple(read)

    def inputs(self, convention: Convention, slots: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Lay out what goes in."""
        rows = [torch.stack(tuple(slots), 2)] if convention.packed else list(slots)
        laid = [lay(row, convention.axes).to(self.dtype).contiguous() for row in rows]
        if not watches_memory(self.device):
            return tuple(x.to(self.device, copy=True) for x in laid)
        margin = WIDER * max(x.numel() for x in laid)
        surrounded = [fenced(x.to(self.device), margin) for x in laid]
        self._buffers = [(buffer, margin) for buffer, _ in surrounded]
        return tuple(inside for _, inside in surrounded)

    def raw(self, convention: Convention, inputs: tuple[Tensor, ...], offset: int = 0) -> Any:
        """Call it and return what it returns."""
        self.calls += 1
        self.limit.calls += 1
        made = self._tables(convention)
        sizes = self.probe.sizes() | {"axis": convention.axes.index("s")}
        given = Call(
            inputs, made, self.positions(convention), offset, sizes, self._starts, self._padding
        )
        positional, keyword = arguments(convention, given)
        with fences() as around:
            returned = call(self.function, self.device, positional, keyword)
        self.any_returned = True
        self.limit.runs += 1
        self.wrote_outside |= around.crossed() or any(spoilt(*each) for each in self._buffers)
        return returned

    def positions(self, convention: Convention) -> Tensor | None:
        """Return the positions to pass."""
        at = laid_positions(
            torch.tensor(self.probe.positions), convention.position_axes, self.probe.batch
        )
        if self._coordinate is not None:
            axis = next(at for at, name in enumerate(convention.position_axes) if name in "23")
            others = [each for each in range(at.shape[axis]) if each != self._coordinate]
            at = at.index_fill(axis, torch.tensor(others), 0)
        return at.contiguous().to(self.device)

    def _tables(self, convention: Convention) -> tuple[Tensor, ...]:
        if convention.tables == "positions":
            return ()
        made, _, _ = tables(convention.tables, self.probe)
        wide = [table[None].expand(self.batch(convention), *table.shape) for table in made]
        if convention.form.slotted:
            wide = [slotted(table, at) for at, table in enumerate(wide)]
        if "g" in convention.table_axes:
            wide = [
                torch.stack([table * (self._without != axis) for axis in range(3)])
                for table in wide
            ]
        kinds = (torch.complex64, self.dtype)
        return tuple(
            placed(table, convention.table_axes)
            .to(kinds[not table.is_complex()])
            .contiguous()
            .to(self.device)
            for table in wide
        )

    def batch(self, convention: Convention) -> int:
        """Return the size of the batch where there is one."""
        return self.probe.batch if "b" in convention.axes else 1

    def heads(self, convention: Convention) -> int:
        """Return the number of heads where there are any."""
        return self.probe.heads if "h" in split(convention.axes) else 1

    def shape(self, convention: Convention) -> tuple[int, int, int, int]:
        """Return B, S, H and D of q in a call."""
        return self.batch(convention), self.probe.length, self.heads(convention), self.probe.width

    def random(self, convention: Convention) -> list[Tensor]:
        """Return random values for each slot of a call (B, S, H, D), between -1 and 1, float64."""
        return [
            random_values(self.shape(convention), slot) for slot in range(len(convention.slots))
        ]

    def respond(
        self,
        convention: Convention,
        given: Sequence[Tensor],
        got: Sequence[Tensor],
        *,
        whole: bool = True,
    ) -> Response:
        """Measure the matrices of a convention's call, of which one with random values is known.

        `given` and `got`: what went in and came out there, (B, S, H, D) each. Basis vectors go in for as many lanes
        at once as there are heads and batch rows; that their matrices hold for all of these, the random values tell.
        Where they do not, and only with `whole`, each lane is asked for by itself.
        """
        _, cos, sin = (
            tables(convention.tables, self.probe)
            if convention.tables != "positions"
            else (0, None, None)
        )
        look = Sample(convention, tuple(given), tuple(got))
        if all(map(torch.equal, _rounded(given, self.dtype), got)):
            eye = torch.eye(self.probe.width, dtype=torch.float64).repeat(self.probe.length, 1, 1)
            return Response((eye,) * len(got), cos, sin, sample=look)
        matrices = self._matrices(convention)
        said = [torch.einsum("sli,bshi->bshl", matrix, x) for matrix, x in zip(matrices, given)]
        if not _apart(said, got):
            return Response(matrices, cos, sin, sample=look)
        if not whole:
            return Response(matrices, cos, sin, mixes=True, sample=look)
        lone = self._lone(convention)  # (B, S, H, D, D) each
        said = [torch.einsum("bshli,bshi->bshl", matrix, x) for matrix, x in zip(lone, given)]
        uneven = _uneven(lone[0])
        head = 1 if uneven == "head" else 0  # the first may turn by an angle of 0
        found = tuple(slot[0, :, head] for slot in lone)
        return Response(found, cos, sin, uneven, _apart(said, got), look)

    def _matrices(self, convention: Convention) -> tuple[Tensor, ...]:
        """Return the matrices (S, D, D) of each slot, if all heads and batch rows have the same."""
        shape, width = self.shape(convention), self.probe.width
        places = shape[0] * shape[2]  # heads and batch rows
        found: list[list[Tensor]] = []
        for start in range(0, width, places):
            asked = (start + torch.arange(places)) % width
            x = (
                torch.eye(width, dtype=torch.float64)[asked]
                .view(shape[0], 1, shape[2], width)
                .expand(shape)
            )
            result = self.call(convention, [x] * len(convention.slots))
            columns = [
                slot.transpose(1, 2).flatten(0, 1)[: width - start] for slot in result
            ]  # (lanes, S, D)
            found.append(columns)
        return tuple(torch.cat(slot).permute(1, 2, 0) for slot in zip(*found))

    def _lone(self, convention: Convention) -> list[Tensor]:
        """Return the matrices (B, S, H, D, D) of each slot, a basis vector a call."""
        columns: list[list[Tensor]] = []
        for lane in range(self.probe.width):
            x = torch.zeros(self.shape(convention), dtype=torch.float64)
            x[..., lane] = 1.0
            columns.append(list(self.call(convention, [x] * len(convention.slots))))
        return [torch.stack(slot, -1) for slot in zip(*columns)]


@cache
def random_values(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """Return values between -1 and 1 that no call is to change, float64: what goes in is a copy."""
    return (
        2 * torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        - 1
    )


def _rounded(given: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    return [x.to(dtype).double() for x in given]


def _apart(said: Sequence[Tensor], got: Sequence[Tensor]) -> bool:
    """Return whether results are not what matrices say of them, NaN included."""
    return any(not bool((a - b).abs().max() <= 50 * TOLERANCE) for a, b in zip(said, got))


def _uneven(whole: Tensor) -> str:
    """Return along which axis of (B, S, H, D, D) the response differs although no table says so."""
    first = whole[:1, :, :1]
    if bool((whole[:, :, :1] - first).abs().max() > TOLERANCE):
        return "batch"
    return "head" if bool((whole[:1] - first).abs().max() > TOLERANCE) else ""
