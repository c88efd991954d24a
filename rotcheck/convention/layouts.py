"""In which order the axes of a tensor come. A new layout is a line of `LAYOUTS`."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_AXES_IN_ONE = {"e": "hd", "f": "3d"}
_SHAPES = {"e": "H*D", "f": "3*D", "g": "3"}


@dataclass(frozen=True)
class Layout:
    """The axes of a tensor, a letter each.

    `b` batch, `s` sequence, `3` the slots of q, k and v, `h` heads, `d` lanes of a head;
    `e` is heads and lanes in one, `f` slots and lanes.
    """

    name: str
    axes: str

    @cached_property
    def apart(self) -> str:
        """The axes, with those that are two in one apart."""
        return split(self.axes)

    @cached_property
    def is_packed(self) -> bool:
        """Whether q, k and v are in one tensor."""
        return "3" in self.apart

    @cached_property
    def joins_rows(self) -> bool:
        """Whether the rows of all sequences follow one another: batch and sequence are one axis."""
        return "b" not in self.apart and "h" in self.apart and self.apart[0] == "s"

    @cached_property
    def joins_heads(self) -> bool:
        """Whether batch and heads are one axis."""
        return ("h" in self.apart and self.apart[0] == "h" and "b" not in self.apart) or (
            "b" in self.apart and "h" not in self.apart
        )

    @cached_property
    def slots(self) -> "tuple[Layout, int] | None":
        """Of a packed one: the layout of each slot, and the axis of the slots;
        None where slots have no axis."""
        if "3" not in self.axes:
            return None
        rest = self.axes.replace("3", "")
        of_slot = next((layout for layout in LAYOUTS.values() if layout.axes == rest), None)
        return (of_slot, self.axes.index("3")) if of_slot else None

    @cached_property
    def shape(self) -> str:
        """The axes as a shape: `(B, S, H, D)`."""
        return shape(self.axes)

    @cached_property
    def default_split(self) -> str:
        """How the first axis of a whole tensor is split that is two in one: `1, -1`; empty:
        none is."""
        if self.joins_rows or self.joins_heads:
            return "-1, 1" if "h" not in self.apart else "1, -1"
        return ""

    def code_to_bshd(self, parts: str = "") -> str | None:
        """The code put behind a tensor of this layout to make it (B, S, H, D);
        None: nothing makes it that.

        `parts`: the two sizes of the first axis where that is two in one; empty:
        there is no batch but its own.
        """
        if self.is_packed or not set("bh") & set(self.apart):
            return None
        code, axes = "", self.apart
        if "e" in self.axes:
            code = ".unflatten(-1, (-1, width))"
        if len(axes) == 3:
            code += f".unflatten(0, ({parts or self.default_split}))"
        return code + _permuting_code(self._whole, "bshd")

    def code_from_bshd(self) -> str | None:
        """The code put behind a tensor (B, S, H, D) to give it this layout;
        None: nothing gives it that."""
        if self.is_packed or not set("bh") & set(self.apart):
            return None
        code = _permuting_code("bshd", self._whole)
        if "e" in self.axes:
            code += ".flatten(2)"
        return code + (".flatten(0, 1)" if len(self.apart) == 3 else "")

    @property
    def _whole(self) -> str:
        """All four axes, once the first is split that is two in one."""
        if "b" not in self.apart:
            return f"b{self.apart}"
        return self.apart if "h" in self.apart else f"{self.apart[0]}h{self.apart[1:]}"


def _permuting_code(have: str, want: str) -> str:
    """The code that puts the same axes in another order."""
    differ = [at for at, axis in enumerate(have) if axis != want[at]]
    if not differ:
        return ""
    if len(differ) == 2:
        return f".transpose({differ[0]}, {differ[1]})"
    return f".permute({', '.join(str(have.index(axis)) for axis in want)})"


LAYOUTS = {
    name: Layout(name, axes)
    for name, axes in {
        "bshd": "bshd",
        "bhsd": "bhsd",
        "sbhd": "sbhd",
        "thd": "shd",
        "hsd": "hsd",
        "bsd": "bsd",
        "bs(hd)": "bse",
        "t(hd)": "se",
        "sd": "sd",
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
    }.items()
}
"""Every layout by name, the commonest first: in this order they are tried."""


def split(axes: str) -> str:
    """The axes of a layout with those that are two in one apart."""
    return "".join(_AXES_IN_ONE.get(axis, axis) for axis in axes)


def shape(axes: str, lanes: str = "W", tail: tuple[int, ...] = ()) -> str:
    """Axes as a shape: `(B, S, H, D)`; of a table with so many lanes,
    and axes of these sizes behind them."""
    names = _SHAPES | {"w": lanes}
    sizes = [*(names.get(axis, axis.upper()) for axis in axes), *map(str, tail)]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def lay(tensor: "Tensor", axes: str) -> "Tensor":
    """A view of (B, S, 3, H, D) or (B, S, H, D) with the axes of a layout;
    those it lacks must be 1."""
    have = "bs3hd" if tensor.dim() == 5 else "bshd"
    apart = split(axes)
    for axis in [axis for axis in "bh" if axis not in apart]:
        tensor, have = tensor.squeeze(have.index(axis)), have.replace(axis, "")
    view = tensor.permute([have.index(axis) for axis in apart])
    if apart == axes:
        return view
    return view.reshape(*view.shape[:-2], view.shape[-2] * view.shape[-1])


def unlay(tensor: "Tensor", axes: str, width: int) -> "Tensor":
    """A tensor with the axes of a layout as (B, S, 3, H, D) or (B, S, H, D); `width` is D."""
    if split(axes) != axes:
        sizes = (*tensor.shape[:-1], tensor.shape[-1] // width, width)
        tensor, axes = tensor.reshape(sizes), split(axes)
    order = "bs3hd" if "3" in axes else "bshd"
    for axis in [axis for axis in order if axis not in axes]:
        tensor, axes = tensor.unsqueeze(0), axis + axes
    return tensor.permute([axes.index(axis) for axis in order])
