"""Which row of a weight arrives in each of its rows, and which permutation that is."""

from dataclasses import dataclass

HEAD_DIM = 16  # rows of a head
LEAST_ROWS = 6  # with fewer both permutations are the same
TO_HALVES, TO_NEIGHBOURS, STAYS = "neighbours to halves", "halves to neighbours", "stays"
NAMES = (TO_HALVES, TO_NEIGHBOURS)
Kind = tuple[str, int, int]
"""What is done to the rows of a head, how many of them move, and the first of these."""


@dataclass(frozen=True, slots=True)
class RowMoves:
    """Which row of a weight arrives in each row."""

    rows: tuple[int, ...]

    @property
    def heads(self) -> int:
        """How many heads the weight has."""
        return len(self.rows) // HEAD_DIM

    @property
    def complete(self) -> bool:
        """Whether each row arrives once."""
        return sorted(self.rows) == list(range(len(self.rows)))

    def kinds(self, width: int = HEAD_DIM) -> list[Kind | None]:
        """What is done to each head; None: no permutation that is known."""
        return [
            kind_of([row - first for row in self.rows[first : first + width]])
            for first in range(0, len(self.rows), width)
        ]

    def kind_in_heads_of(self, width: int) -> Kind | None:
        """What is done to each head of this width, if it is the same in all; None: unknown."""
        kinds = set(self.kinds(width))
        return next(iter(kinds)) if len(kinds) == 1 else None

    @property
    def kind(self) -> Kind | None:
        """What is done to each head, if that is the same in all."""
        return self.kind_in_heads_of(HEAD_DIM)

    @property
    def fitting_heads(self) -> int | None:
        """For how many heads it would be a known permutation, if not for as many as it has."""
        rows = len(self.rows)
        for count in range(1, rows // LEAST_ROWS + 1):
            if rows % count or count == self.heads:
                continue
            kind = self.kind_in_heads_of(rows // count)
            if kind and kind[0] != STAYS and kind[1] == rows // count:
                return count
        return None


def permutation(kind: Kind, width: int = HEAD_DIM) -> list[int]:
    """Which row of a head arrives in each of its rows."""
    name, count, first = kind
    rows = [*range(0, count, 2), *range(1, count, 2)]
    if name == TO_NEIGHBOURS:
        rows = [row for at in range(count // 2) for row in (at, at + count // 2)]
    return [*range(first), *(first + row for row in rows), *range(first + count, width)]


def kind_of(rows: list[int]) -> Kind | None:
    """What the permutation of one head's rows is; None: none that is known."""
    width = len(rows)
    if rows == list(range(width)):
        return STAYS, 0, 0
    counts = range(width - width % 2, LEAST_ROWS - 1, -2)
    kinds = (
        (name, count, first) for count in counts for first in (0, width - count) for name in NAMES
    )
    return next((kind for kind in kinds if permutation(kind, width) == rows), None)
