"""Grids: which pairs turn with the row and which with the column of a square."""

from dataclasses import dataclass

from torch import Tensor

from rotcheck.identify.making.pair_owners import moves_along, owners_of
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
    for sides in ((HIGH, WIDE), (WIDE, HIGH)):
        owners = owners_of(moves_along(angles, sides, SAME_ANGLE))
        if owners is not None:
            rows, columns = (
                tuple(pair for pair, owner in enumerate(owners) if owner == side) for side in (0, 1)
            )
            return PatchGrid(rows, columns, sides != (HIGH, WIDE))
    return None


def why_no_layout(angles: Tensor) -> str:
    """Why angles (HIGH * WIDE, P) are no grid's, in words."""
    turns = moves_along(angles, (HIGH, WIDE), SAME_ANGLE).any(1).tolist()
    for turns_any, name in zip(turns, ("row", "column")):
        if not turns_any:
            return f"the {name} of a square turns no pair: {EVIDENCE}"
    return f"its squares are laid out neither row after row nor column after column: {EVIDENCE}"


def of_exchange(layout: PatchGrid) -> list[Remark]:
    """Say that rows and columns are exchanged, which a square does not show."""
    if not layout.sides_swapped:
        return []
    words = (
        f"given a height of {HIGH} and a width of {WIDE}, it turns the squares of a grid {WIDE} high and {HIGH} wide: "
        "rows and columns are exchanged, which is right for squares only"
    )
    return [remark("grid-exchanged", words, EVIDENCE)]


def _span(pairs: tuple[int, ...]) -> str:
    if pairs == tuple(range(pairs[0], pairs[-1] + 1)):
        return f"{pairs[0]} to {pairs[-1]}"
    return ", ".join(map(str, pairs[:4])) + (f", ..., {pairs[-1]}" if len(pairs) > 4 else "")
