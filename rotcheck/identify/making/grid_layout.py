"""Grids: which pairs turn with the row and which with the column of a square."""

from dataclasses import dataclass

from torch import Tensor

from rotcheck.identify.angles.measured_angles import wrap
from rotcheck.identify.remarks import remark
from rotcheck.results import Remark

HIGH, WIDE = 3, 5  # squares: a grid that is no square, since one hides which axis is which
SQUARES = HIGH * WIDE
SAME_ANGLE = 1e-4  # radians
EVIDENCE = f"a grid {HIGH} high and {WIDE} wide, row after row"


@dataclass(frozen=True, slots=True)
class PatchGrid:
    """How the squares of a grid turn, each row after the other."""

    rows: tuple[int, ...]  # pairs that turn with the row of a square alone
    columns: tuple[int, ...]  # with its column alone
    sides_swapped: bool  # they do so in a grid as wide as this is high, and as high as it is wide

    @property
    def words(self) -> str:
        """Which pairs turn with what."""
        return f"pairs {_span(self.rows)} with the row, {_span(self.columns)} with the column of a square"


def layout_of(angles: Tensor) -> PatchGrid | None:
    """How angles (HIGH * WIDE, P) are laid over a grid; None: as no grid's."""
    for high, wide in ((HIGH, WIDE), (WIDE, HIGH)):
        grid = angles.reshape(high, wide, -1)  # (high, wide, P)
        down, across = _still(grid, 0), _still(grid, 1)
        moving = ~(down & across)
        rows, columns = (across & moving).nonzero().flatten(), (down & moving).nonzero().flatten()
        if len(rows) and len(columns) and bool((down | across).all()):
            return PatchGrid(tuple(rows.tolist()), tuple(columns.tolist()), high != HIGH)
    return None


def why_no_layout(angles: Tensor) -> str:
    """Why angles (HIGH * WIDE, P) are no grid's, in words."""
    grid = angles.reshape(HIGH, WIDE, -1)  # (high, wide, P)
    for axis, name in enumerate(("row", "column")):
        if bool(_still(grid, axis).all()):
            return f"the {name} of a square turns no pair: {EVIDENCE}"
    return f"its squares are laid out neither row after row nor column after column: {EVIDENCE}"


def of_exchange(layout: PatchGrid) -> list[Remark]:
    """Say that rows and columns are exchanged, which a square does not show."""
    if not layout.sides_swapped:
        return []
    words = (
        f"told a height of {HIGH} and a width of {WIDE}, it turns the squares of a grid {WIDE} high and {HIGH} wide: "
        "rows and columns are exchanged, which is right for squares only"
    )
    return [remark("grid-exchanged", words, EVIDENCE)]


def _still(grid: Tensor, axis: int) -> Tensor:
    """Which pairs (P,) turn alike all along an axis of a grid (high, wide, P)."""
    return wrap(grid - grid.narrow(axis, 0, 1)).abs().amax((0, 1)) < SAME_ANGLE


def _span(pairs: tuple[int, ...]) -> str:
    if pairs == tuple(range(pairs[0], pairs[-1] + 1)):
        return f"{pairs[0]} to {pairs[-1]}"
    return ", ".join(map(str, pairs[:4])) + (f", ..., {pairs[-1]}" if len(pairs) > 4 else "")
