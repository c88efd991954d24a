"""How a call's tensors fit together: which axis is what, checked once for each set of shapes."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from rotcheck.convention import FORMS, LAYOUTS, Pairing, TableForm

Shape = tuple[int, ...]
LayoutName = Literal["bshd", "bhsd", "sbhd", "thd", "qkv"]
_CosSinForm = Literal["half-width", "repeated", "packed", "complex", "matrix"]
_StackForm = Literal["stacked", "stacked-sin-first"]
_AngleForm = Literal["angles", "angles-repeated", "positions"]
FormName = Literal[_CosSinForm, _StackForm, _AngleForm]

AXES: dict[LayoutName, tuple[int, int, int, int]] = {
    name: tuple(LAYOUTS[name].axes.find(axis) for axis in "bs3h")  # type: ignore[misc]  # four
    for name in get_args(LayoutName)
}
"""Where batch, sequence, slot and head lie in a tensor of each layout; -1: nowhere.

The lanes are the last axis.
"""

SHAPES = {
    name: LAYOUTS[name].shape.replace("S", "T" if LAYOUTS[name].joins_rows else "S")
    for name in get_args(LayoutName)
}
_CHOICES = {
    "layout": get_args(LayoutName),
    "pairing": get_args(Pairing),
    "form": get_args(FormName),
    "direction": (1, -1),
}


class Arrangement(NamedTuple):
    """What a caller says about the tensors of a call; see `rotcheck.rotary.apply_rotary`."""

    layout: LayoutName = "bshd"
    pairing: Pairing = "half"
    form: FormName = "half-width"
    rotary_dim: int | None = None
    offset: int = 0
    direction: int = 1
    rotate_v: bool = False
    exact_rows: bool = False  # the tables must have one row for each position, no more

    @property
    def tables(self) -> TableForm:
        """The form of the tables; positions are made half-width ones."""
        return FORMS.get(self.form) or FORMS["half-width"]


@dataclass(eq=False)
class Plan:
    """What the paths need to know of a call, in numbers.

    Told apart by identity: one is made for each set of shapes, and looked up in every call.
    """

    axes: tuple[int, int, int, int]  # of x: batch, sequence, slot, head; -1: it has none
    sizes: tuple[int, int, int, int]  # of these; 1 where there is none
    table_axes: tuple[int, int, int, int]  # the same of cos and sin; -1: broadcast
    pairs: int  # that rotate in each head
    lanes: int  # of each head; those behind 2 * pairs stay as they are
    interleaved: bool
    full_width: bool  # the tables hold each value at both lanes of its pair
    rotated_slots: int  # slots behind these stay as they are
    offset: int  # row of the table for the first position
    direction: int

    @property
    def table_step(self) -> int:
        """How many lanes of the table lie between the values of neighbouring pairs."""
        return 2 if self.full_width and self.interleaved else 1

    def reversed(self) -> "Plan":
        """The plan of the inverse rotation, which is the gradient's."""
        return _inverse_plan(self)


def plan(arrangement: Arrangement, x: Shape, cos: Shape, sin: Shape) -> Plan:
    """How tensors of these shapes fit together.

    Raises ValueError, naming the shapes, if they do not.
    """
    _check(arrangement)
    layout, axes = arrangement.layout, AXES[arrangement.layout]
    if len(x) != max(axes) + 2 or (axes[2] >= 0 and x[2] != 3):
        raise ValueError(f"x has shape {_words(x)}; layout {layout!r} wants {SHAPES[layout]}")
    if cos != sin:
        raise ValueError(
            f"cos has shape {_words(cos)} and sin {_words(sin)}; they must have the same"
        )
    sizes = tuple(x[axis] if axis >= 0 else 1 for axis in axes)
    return Plan(
        axes=axes,
        sizes=sizes,  # type: ignore[arg-type]  # four, as the axes are
        table_axes=_table_axes(arrangement, x, cos),
        pairs=_pairs(arrangement, x, cos),
        lanes=x[-1],
        interleaved=arrangement.pairing == "interleaved",
        full_width=arrangement.tables.repeats,
        rotated_slots=3 if arrangement.rotate_v else min(2, sizes[2]),
        offset=arrangement.offset,
        direction=arrangement.direction,
    )


def _check(arrangement: Arrangement) -> None:
    """Raise ValueError for a word that is none of ours."""
    for name, words in _CHOICES.items():
        word = getattr(arrangement, name)
        if word not in words:
            options = ", ".join(map(repr, words))
            raise ValueError(f"{name} is {word!r}; it must be one of {options}")


@lru_cache(maxsize=1024)
def _inverse_plan(plan: Plan) -> Plan:
    return replace(plan, direction=-plan.direction)


cached_plan = lru_cache(maxsize=1024)(plan)
"""The same for tensors that exist: neither a sequence of shapes nor a traced one fills it."""


def _pairs(arrangement: Arrangement, x: Shape, table: Shape) -> int:
    """How many pairs rotate: what the tables' width says, which `rotary_dim` must confirm."""
    full = arrangement.tables.repeats
    rotary_dim = table[-1] if full else 2 * table[-1]
    if arrangement.rotary_dim not in (None, rotary_dim):
        raise ValueError(
            f"rotary_dim is {arrangement.rotary_dim}, but {arrangement.form} tables of shape {_words(table)} rotate "
            f"{rotary_dim} lanes"
        )
    if rotary_dim > x[-1] or rotary_dim % 2 or rotary_dim == 0:
        likely_form = "half-width" if full else "repeated"
        raise ValueError(
            f"{arrangement.form} tables of shape {_words(table)} rotate {rotary_dim} lanes, but a head of x "
            f"{_words(x)} has {x[-1]}; the number must be even and fit (did you mean {likely_form} tables?)"
        )
    return rotary_dim // 2


def _table_axes(arrangement: Arrangement, x: Shape, table: Shape) -> tuple[int, int, int, int]:
    """Which axes of the table are batch, sequence, slot and head, checked against x; -1:
    broadcast."""
    axes = _named_axes(arrangement.layout, x, table)
    for axis, x_axis in zip(axes, AXES[arrangement.layout], strict=True):
        size = x[x_axis] if x_axis >= 0 else 1
        if axis >= 0 and axis != axes[1] and table[axis] not in (1, size):
            raise _misfit(arrangement, x, table, f"its axis {axis} is neither 1 nor {size}")
    start, rows = arrangement.offset, table[axes[1]]
    stop = x[AXES[arrangement.layout][1]] + start
    if start < 0 or rows < stop or (arrangement.exact_rows and rows != stop):
        why = f"it has {rows} rows for positions {start} to {stop - 1}"
        raise _misfit(arrangement, x, table, why)
    batch, sequence, slot, head = (
        axis if axis == axes[1] or table[axis] != 1 else -1 for axis in axes
    )
    if arrangement.tables.has_slots:  # q's slot serves k too
        slot = -1
    return batch, sequence, slot, head


def _named_axes(layout: LayoutName, x: Shape, table: Shape) -> tuple[int, int, int, int]:
    """Read a table's axes: the layout of x itself, or rows alone, or what lies between."""
    batch, sequence, _, _ = AXES[layout]
    if len(table) == len(x):
        return AXES[layout]
    if len(table) == 2:  # (S, W)
        return (-1, 0, -1, -1)
    if len(table) == 3 and batch >= 0:
        rows_first = table[1] == 1 and (x[sequence] != 1 or table[0] not in (1, x[batch]))
        return (-1, 0, -1, -1) if rows_first else (0, 1, -1, -1)  # (S, 1, W), else (B, S, W)
    if len(table) == 4 and layout == "qkv":  # (B, S, H, W)
        return (0, 1, -1, 2)
    raise ValueError(
        f"tables of shape {_words(table)} for x {_words(x)}: give (S, W), (B, S, W), or the axes of "
        f"{SHAPES[layout]} with 1 where they are the same for all"
    )


def _misfit(arrangement: Arrangement, x: Shape, table: Shape, why: str) -> ValueError:
    layout = arrangement.layout
    return ValueError(
        f"tables of shape {_words(table)} do not fit x {_words(x)} in layout {layout!r} {SHAPES[layout]}: {why}"
    )


def _words(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"
