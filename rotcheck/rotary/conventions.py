"""What an implementation does by design, in the field's words: reported, never called wrong."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Pairing = Literal["half", "interleaved"]
Layout = Literal["bshd", "bhsd", "sbhd", "thd", "qkv"]
TableForm = Literal[
    "half-width",
    "repeated",
    "packed",
    "complex",
    "stacked",
    "matrix",
    "angles",
    "angles-repeated",
    "positions",
]
Sections = Literal["blocks", "interleaved"]
OutputLanes = Literal["same", "de-interleaved", "interleaved"]

LAYOUTS = {
    "bshd": "bshd",
    "bhsd": "bhsd",
    "sbhd": "sbhd",
    "thd": "shd",
    "hsd": "hsd",
    "bsd": "bsd",
    "sd": "sd",
    "bs(hd)": "bse",
    "t(hd)": "se",
    "qkv": "bs3hd",
    "b3shd": "b3shd",
    "b3hsd": "b3hsd",
    "3bshd": "3bshd",
    "3bhsd": "3bhsd",
    "bhs3d": "bhs3d",
    "bsh3d": "bsh3d",
    "sb3hd": "sb3hd",
    "t3hd": "s3hd",
    "bsh(3d)": "bshf",
}
"""The axes of each layout, a letter an axis: batch, sequence, the slots of q, k and v, heads, lanes of a head;
`e` is heads and lanes in one, `f` slots and lanes. `apply_rotary` takes those that `Layout` names."""

_MERGED = {"e": "hd", "f": "3d"}


@dataclass(frozen=True, slots=True)
class Convention:
    """How a rotary function wants its tensors and tables, and what it does with them.

    `pairing`: `half` rotates lane i with i + rotary_dim/2 (GPT-NeoX, Llama in transformers), `interleaved` 2i
    with 2i + 1 (GPT-J, Meta's Llama). `layout`: a key of `LAYOUTS`; packed ones hold q, k and v in one tensor.
    `tables`: see `rotcheck.rotary.tables`; `positions` when it computes the angles itself.

    `arguments`: what each argument of a call is, in order, `name=` in front for one passed by keyword: `q`, `k`,
    `v`, `x` or `qkv`; `cos`, `sin`, `table`, or joined `cos+sin` (one tensor, one behind the other), `cos|sin` (one
    tensor, lane by lane), `[cos, sin]` (stacked) and `(cos, sin)` (a tuple); `positions`, `offset` or `offsets` (one
    for each batch row); the sizes `B`, `S`, `H`, `D`, `R` (rotary_dim); `axis`, which of them is the sequence; or a
    constant; `sections`, how many pairs each axis of M-RoPE has; `cu_seqlens`, where each of several sequences in one
    tensor begins; `mask` (B, S), 0 where a row is padded, and `rows`, 0, 1, 2, ... beside it; `inv_freq`, radians a
    position for each pair, those of theta 10000; `device`. Empty: the tensor and its tables.

    `table_axes`: the axes of a table, of which `w` are its lanes; empty: those of its form. `table_lanes`: the
    order in which full-width tables repeat, when that is not the pairing's. `sections`: of tables with an axis `g`,
    for time, height and width (M-RoPE), which pairs take theirs from which: section after section, or in turn.
    `direction`: -1 rotates by minus the angle. `output_lanes`: `de-interleaved` writes interleaved pairs as halves,
    `interleaved` halves as interleaved pairs. `rotary_dim`: lanes that rotate, None: all. `blocks`: into how many
    parts these are cut, each paired for itself (RoPE2D: 2, for the two coordinates of an image). `head_dim`, `heads`:
    the only width and number it takes. `theta` and `frequencies`: of one that computes angles itself; frequencies in
    radians a position, when they are not theta's. `positions`: what it takes of them: `tables` (the rows handed in),
    `any`, `offset` or `from 0`; `position_axes` their axes, of which `2` and `3` are coordinates; `last_position` the
    largest. `in_place`: the result is written into the input. `takes_offset`: it
    takes `offset=k`, the row of the first position. `ways`: further calls that do the same, the layout (empty: any
    that it takes) and the axes of a table of each. `choices`: keywords that choose a field, with the values that they
    take: `("form=tables", ("half-width", "complex"))` is `form=` for the field `tables`.
    """

    pairing: Pairing
    layout: str
    tables: TableForm
    in_place: bool = False
    takes_offset: bool = False
    arguments: tuple[str, ...] = ()
    table_axes: str = ""
    table_lanes: Pairing | None = None
    sections: Sections = "blocks"
    direction: int = 1
    output_lanes: OutputLanes = "same"
    rotary_dim: int | None = None
    blocks: int = 1
    head_dim: int | None = None
    heads: int | None = None
    theta: float = 10000.0
    frequencies: tuple[float, ...] = ()
    positions: str = "tables"
    position_axes: str = "bs"
    last_position: int | None = None
    rotates_v: bool = False
    ways: tuple[tuple[str, str], ...] = ()
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def axes(self) -> str:
        """The axes of a tensor, a letter each."""
        return LAYOUTS[self.layout]

    @property
    def points(self) -> bool:
        """Whether positions are points, of which each coordinate turns a block of lanes of its own."""
        return self.blocks > 1 and str(self.blocks) in self.position_axes

    @property
    def packed(self) -> bool:
        """Whether q, k and v come in one tensor."""
        return "3" in split(self.axes)

    @property
    def written(self) -> Pairing:
        """In which order of lanes the pairs of the result lie."""
        orders: dict[str, Pairing] = {"de-interleaved": "half", "interleaved": "interleaved"}
        return orders.get(self.output_lanes, self.pairing)

    @property
    def called_with(self) -> tuple[str, ...]:
        """What each argument of a call is."""
        if self.arguments:
            return self.arguments
        offset = ("offset=offset",) if self.takes_offset else ()
        return ("qkv" if self.packed else "x", *_TABLES.get(self.tables, ("table",)), *offset)

    @property
    def slots(self) -> tuple[str, ...]:
        """Which of q, k and v a call is given."""
        roles = set(map(role_of, self.called_with))
        return (
            ("q", "k", "v")
            if "qkv" in roles
            else tuple(slot for slot in "qkv" if slot in roles) or ("q",)
        )


_TABLES: dict[TableForm, tuple[str, ...]] = {
    "half-width": ("cos", "sin"),
    "repeated": ("cos", "sin"),
    "packed": ("cos", "sin"),
    "positions": ("positions",),
}


def role_of(argument: str) -> str:
    """Return what an argument of a call is, without the keyword that it is passed by."""
    return argument.rpartition("=")[2]


def lanes(pairs: Tensor, pairing: Pairing, blocks: int = 1) -> Tensor:
    """Lay pairs (..., P, 2) out as lanes (..., 2P) in the order of the pairing, in each of so many blocks."""
    if blocks > 1:
        return torch.cat([lanes(block, pairing) for block in pairs.chunk(blocks, -2)], -1)
    if pairing == "half":
        # (..., 2P): all first elements, then all second ones
        return torch.cat(pairs.unbind(-1), -1)
    return pairs.flatten(-2)  # (..., 2P): first, second, first, second


def pairs(lanes: Tensor, pairing: Pairing, blocks: int = 1) -> Tensor:
    """Read lanes (..., 2P) as pairs (..., P, 2); the inverse of `lanes`."""
    if blocks > 1:
        return torch.cat([pairs(block, pairing) for block in lanes.chunk(blocks, -1)], -2)
    if pairing == "half":
        return torch.stack(lanes.chunk(2, -1), -1)  # (..., P, 2)
    return lanes.reshape(*lanes.shape[:-1], lanes.shape[-1] // 2, 2)  # (..., P, 2)


def split(axes: str) -> str:
    """Return the axes of a layout with those that are two in one apart."""
    return "".join(_MERGED.get(axis, axis) for axis in axes)


def lay(tensor: Tensor, axes: str) -> Tensor:
    """Return a view of (B, S, 3, H, D) or (B, S, H, D) with the axes of a layout; those it lacks must be 1."""
    have = "bs3hd" if tensor.dim() == 5 else "bshd"
    apart = split(axes)
    for axis in [axis for axis in "bh" if axis not in apart]:
        tensor, have = tensor.squeeze(have.index(axis)), have.replace(axis, "")
    laid = tensor.permute([have.index(axis) for axis in apart])
    if apart == axes:
        return laid
    return laid.reshape(*laid.shape[:-2], laid.shape[-2] * laid.shape[-1])


def unlay(tensor: Tensor, axes: str, width: int) -> Tensor:
    """Return (B, S, 3, H, D) or (B, S, H, D) of a tensor with the axes of a layout; `width` is D."""
    if split(axes) != axes:
        shape = (*tensor.shape[:-1], tensor.shape[-1] // width, width)
        tensor, axes = tensor.reshape(shape), split(axes)
    wanted = "bs3hd" if "3" in axes else "bshd"
    for axis in [axis for axis in wanted if axis not in axes]:
        tensor, axes = tensor.unsqueeze(0), axis + axes
    return tensor.permute([axes.index(axis) for axis in wanted])


def coordinates(axes: str) -> int:
    """Return how many coordinates positions with these axes have; 0: they are no points."""
    return next((int(axis) for axis in axes if axis in "23"), 0)


def coordinate(positions: Tensor, axis: int) -> Tensor:
    """Return a coordinate of the points that stand for positions: each axis has another."""
    return positions // (axis + 1)


def laid_positions(positions: Tensor, axes: str, batch: int, *, points: bool = False) -> Tensor:
    """Return positions (S,) or (B, S) with these axes.

    `points`: their coordinates differ, as `coordinate` says; else all are the same, as in text.
    """
    count = coordinates(axes)
    if count:
        one = laid_positions(positions, axes.replace(str(count), ""), batch)
        each = [coordinate(one, axis) if points else one for axis in range(count)]
        return torch.stack(each, axes.index(str(count)))
    if "b" in axes and positions.dim() == 1:
        return positions.expand(batch, -1)
    return positions[None] if "1" in axes else positions
