"""What was read off a response."""

from dataclasses import dataclass, field

from torch import Tensor

from rotcheck.convention import OutputLanes, Pairing


@dataclass(frozen=True, slots=True)
class MatrixReading:
    """What a matrix says. `problem` is empty when it follows a convention; else the nearest is what stands here."""

    pairing: Pairing | None = None
    direction: int | None = None
    output_lanes: OutputLanes = "same"
    rotary_dim: int = 0
    blocks: int = 1  # into which the lanes that rotate are cut, each paired for itself
    sin_first: bool = False  # cos and sin are taken in the other order
    table_lanes: Pairing | None = None  # the order in which full-width tables must repeat
    unread: str = ""  # which half of full-width tables is never read
    shift: int = 0  # rows of the table that it is off
    # (S, P), of one that computes them itself
    angles: Tensor | None = field(default=None, compare=False)
    amplitude: float = 1.0
    problem: str = ""  # code of what is wrong, as diagnose/ lists them
    words: str = ""
