"""What the matrices of a response say of the pairs of lanes, exactly or not at all."""

from dataclasses import dataclass, field, replace

from torch import Tensor

from rotcheck.convention import OutputLanes, Pairing


@dataclass(frozen=True, slots=True)
class MatrixReading:
    """What a matrix says.

    `problem` is empty when it follows a convention; else these are the nearest one's.
    """

    pairing: Pairing | None = None
    direction: int | None = None
    output_lanes: OutputLanes = "same"
    rotary_dim: int = 0
    blocks: int = 1  # into which the lanes that rotate are cut, each paired for itself
    sin_first: bool = False  # the function takes sin where cos was assumed
    table_lanes: Pairing | None = None  # the order in which full-width tables must repeat
    unread: str = ""  # which half of full-width tables is never read
    shift: int = 0  # rows of the table that it is off
    broadcast: str = ""  # in words: one entry of the table serves every pair, or every row
    # (S, P), of a function that computes them itself
    angles: Tensor | None = field(default=None, compare=False)
    amplitude: float = 1.0
    problem: str = ""  # code of what is wrong, as diagnose/ lists them
    words: str = ""

    def with_problem(self, code: str, words: str) -> "MatrixReading":
        """The same, and what is wrong."""
        return replace(self, problem=code, words=words)


def no_convention(words: str, rotary_dim: int = 0) -> MatrixReading:
    """A matrix that follows no convention, and why."""
    return MatrixReading(rotary_dim=rotary_dim, problem="no-convention", words=words)


TOO_MANY_SOURCES = no_convention("a lane depends on more than two others")
