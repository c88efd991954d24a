"""The result of `rotcheck identify`: a function's convention, its mistakes,
and what it can be swapped for."""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from rotcheck.exit_codes import FINDING, RIGHT

INFERENCE = "inference"  # the code of a choice: a kernel that autograd does not see
Kind = Literal["applies", "builds", "both"]


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A further way to call a function: the same arguments in other shapes."""

    layout: str | None  # None: any that it takes
    table_axes: str | None = None
    position_axes: str | None = None


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What a rotary function does by design; None where that cannot be known, or does not apply."""

    kind: Kind  # it applies tables handed in, builds tables, or rotates by positions itself
    pairing: Literal["half", "interleaved"] | None = None
    direction: Literal[1, -1] | None = None
    output_lanes: Literal["same", "de-interleaved", "interleaved"] | None = None
    layout: str | None = None  # "bshd", ...: the axes of a tensor
    # "half-width", "repeated", "complex", ...; "positions": it makes its own
    tables: str | None = None
    table_axes: str | None = None  # "s1w": the axes of a table, of which w are its lanes
    # in which order full-width tables repeat
    table_lanes: Literal["half", "interleaved"] | None = None
    # "first half", "second half": which of full-width tables is never read
    unread: str | None = None
    # which pairs turn with which axis of M-RoPE
    sections: Literal["blocks", "interleaved"] | None = None
    argument_order: tuple[str, ...] = ()  # what each argument of a call is
    rotary_dim: int | None = None  # lanes that rotate; None: all of a head, or what the tables say
    blocks: int | None = None  # into which these are cut, each paired for itself (RoPE2D: 2)
    head_dim: int | None = None  # the only width that it takes
    theta: float | None = None
    schedule: str | None = None  # of the frequencies, where it makes its own
    # by which cos and sin are scaled; None: by nothing, or not known
    amplitude: float | None = None
    frequencies: tuple[float, ...] = ()  # radians a position, of each pair
    coordinates: tuple[int, ...] = ()  # of a point, with which each pair turns; -1: it stands still
    # "tables": the rows handed in; "any", "offset", "from 0", "points", "grid"
    positions: str | None = None
    rotates_v: bool | None = None
    in_place: bool | None = None
    dtype_rule: str | None = None
    # what else was tried: fewer heads in k, other dtypes, an empty batch, ...
    takes: dict[str, bool] = {}
    position_axes: str | None = None  # "bs": the axes of positions, where it takes them
    # of what a maker gives back: "cos, sin", "sin, cos", "cos+sin", "one tensor"
    order: str | None = None
    ways: tuple[Way, ...] = ()  # further calls that give the same
    # values of keywords that choose a field: {"form=tables": (...)}
    choices: dict[str, tuple[str, ...]] = {}

    @property
    def takes_tables(self) -> bool:
        """Whether it is handed tables, or makes them;
        else it computes the angles of positions itself."""
        return self.tables != "positions"


class FieldEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an identification: what is said of which field, and what told so."""

    field: str
    says: str
    because: str


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """Something worth knowing about a function:
    a likely mistake, or a choice that others do not make."""

    code: str  # as the knowledge in diagnose/ lists them
    message: str
    evidence: str
    mistake: bool = True  # False: a choice, legitimate in itself
    failure: str | None = None  # id of the known failure, as in `rotcheck explain ID`
    cause: str | None = None
    fix: str | None = None
    demonstration: str | None = None  # of a mistake: Python that runs without rotcheck and shows it


class Ambiguity(msgspec.Struct, frozen=True, kw_only=True):
    """What remains possible of one field."""

    field: str
    possible: tuple[str, ...]
    why: str


class FlagEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What a function does with one of its flags the other way round."""

    flag: str  # "interleaved=True"
    follows: bool  # a convention, exactly
    convention: Description | None  # None: no call with it gave back a rotation
    error: float | None = None  # as of the whole
    message: str | None = None  # the mistake that it makes then, or why there is no convention


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in which two functions differ, and what to do about it."""

    field: str
    own: str
    other: str
    fix: str
    hard: bool = True  # False: nothing has to be done


Swappable = Literal["as it is", "with changes", "no", "unknown"]


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one function can be swapped for another."""

    other: str
    swappable: Swappable
    differences: tuple[Difference, ...]
    adapter: str | None = None  # Python: a function with the other's call, which calls this one
    error: float | None = None  # of both side by side, in rounding steps; None: not run


Answer = Literal["right", "wrong", "unknown"]


class Identification(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck identify` found out about a function."""

    schema: str = "rotcheck/convention/1"
    rotcheck: str
    specification: str
    torch: str | None
    device: str
    answer: Answer = "unknown"  # set by itself: wrong for a mistake, right where it follows
    follows: bool  # a convention, exactly; False: the nearest is told, and where it departs
    convention: Description | None  # None: no call gave back a rotation
    declared: bool = False  # the function says this itself; nothing was tried
    call: str | None = None  # "f(q, k, cos, sin)"
    built: str | None = None  # how an object was made of a class
    evidence: tuple[FieldEvidence, ...] = ()
    findings: tuple[Remark, ...] = ()
    ambiguous: tuple[Ambiguity, ...] = ()
    also: tuple[str, ...] = ()  # further ways to call it
    flags: tuple[FlagEffect, ...] = ()  # what each of its flags changes
    error: float | None = None  # of its result for random values against float64, in rounding steps
    longest_context: int | None = None  # positions up to which its own angles are right
    likeness: Likeness | None = None
    # of a function that permutes the rows of weights: which, in which heads
    permutation: str | None = None
    positions: str | None = None  # of a function that makes positions: where they begin
    message: str | None = None  # why there is no convention
    tried: tuple[str, ...] = ()  # calls that were tried in vain, and what they said
    untried: tuple[str, ...] = ()  # arguments that no call was tried with: "offset"
    # what to do next: what to name or declare, or which command to run
    advice: tuple[str, ...] = ()
    seconds: float | None = None  # that the identification took, imports apart

    def __post_init__(self) -> None:
        mistaken = any(one.mistake for one in self.findings)
        answer = "wrong" if mistaken else "right" if self.follows else "unknown"
        msgspec.structs.force_setattr(self, "answer", answer)

    @property
    def purpose(self) -> str | None:
        """What it is for that neither rotates nor makes tables, and has no convention."""
        return self.permutation or self.positions


def mistakes(identification: Identification) -> list[Remark]:
    """What of an identification is a mistake, and not a choice."""
    return [remark for remark in identification.findings if remark.mistake]


def mistaken(found: Iterable[Identification]) -> list[Identification]:
    """The functions that make a mistake."""
    return [one for one in found if one.answer == "wrong"]


def identified_code(found: Sequence[Identification]) -> int:
    """The exit code: 0 if all are right, 1 for one that is wrong or not understood."""
    return RIGHT if all(one.answer == "right" for one in found) else FINDING
