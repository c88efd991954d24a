"""What recognition learns of an object, as plain data that travels between processes."""

from typing import Any, Literal

import msgspec

from rotcheck.measure.judge import RIGHT_PHASE

DEFAULT_LENGTH = 4096  # positions that must be right in an object that claims no length
# radians a position that float32 costs at most; measured on right code: half of that
FLOAT32_LOSS = 2.0 / (1 << 24)

Asking = Literal["any", "offset", "from 0", "none"]
"""How positions are asked for: each by itself, a run from an offset, all from 0, or not at all."""


class AngleProfile(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask an object for its angles, what they must be, and how far it claims to be right."""

    kind: Literal["builds", "both"]  # tables, or a rotation by positions
    asking: Asking
    call: str  # in words
    built: str | None  # how an object was made of a class
    recipe: dict[str, Any] | None = None  # of one that builds tables: a `MakerCall`
    form: str = ""  # of its tables
    order: str = ""
    table_lanes: str | None = None
    axes: str = ""
    convention: dict[str, Any] | None = None  # of one that rotates
    width: int = 0  # of a head
    rotary: int = 0  # how many lanes it is told to turn, where it is told
    direction: int = 1
    amplitude: float = 1.0
    frequencies: tuple[float, ...] = ()  # radians a position, of each pair
    zero: tuple[float, ...] = ()  # angles at position 0
    schedule: str | None = None
    claims: int | None = None  # positions
    claimed_by: str | None = None  # "max_position_embeddings"
    # the first position beside which the frequencies change, by design or not
    changes: int | None = None
    faults: tuple[tuple[str, str], ...] = ()  # mistakes that `identify` finds: code and words
    doubt: str | None = None  # why `identify` does not understand it, though its angles are steady
    by_file: bool = False  # it was built as its own file builds it
    to: int | None = None  # positions that must be right, whatever it claims
    # the last position to ask for on a device that an index past the end would kill
    last: int | None = None
    last_because: str = ""

    @property
    def judged_to(self) -> int:
        """How many positions, from 0, must have a right phase."""
        return self.to or self.claims or DEFAULT_LENGTH

    @property
    def blind(self) -> bool:
        """Whether it ignores positions, so that nothing tells what it does with a far one."""
        return any(code == "positions-ignored" for code, _ in self.faults)


def tolerance(position: int) -> float:
    """How far a phase may be off, in radians, so that float32's own loss is no finding."""
    return max(RIGHT_PHASE, FLOAT32_LOSS * position)
