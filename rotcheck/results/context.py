"""The result of `rotcheck context`: up to which position each object is right,
under each condition."""

import msgspec

from rotcheck.exit_codes import INTERRUPT
from rotcheck.results.identification import Kind
from rotcheck.results.result import Verdict, exit_code


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """How far an object's angles are from float64 at one position."""

    position: int
    error: float | None  # radians, of the worst pair; None: what came back is no rotation


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """One object under one condition: up to which position its phases are right."""

    implementation: str
    condition: str  # "constructed", "half", "autocast", ...
    device: str
    verdict: Verdict
    # the last position before the first wrong one; None: not even position 0
    right_to: int | None = None
    wrong_at: int | None = None  # the first wrong one; None: none was found up to `asked_to`
    exact: bool = False  # these two are neighbours
    asked_to: int | None = None  # the last position that it was asked for
    stopped: str | None = None  # why it was not asked for more
    phases: tuple[Phase, ...] = ()
    emulated: bool = False  # the device cannot do this; what it would compute was emulated
    finding: str | None = None  # code of what is wrong
    message: str | None = None  # what is wrong; the reason, where it did not run
    note: str | None = None  # what is worth knowing besides
    trace: tuple[str, ...] = ()  # innermost frames of whoever raised or died
    failure: str | None = None  # id of the known failure, as in `rotcheck explain ID`
    cause: str | None = None
    fix: str | None = None
    seconds: float | None = None


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """An object that makes its own angles, as it was recognised when constructed."""

    implementation: str
    kind: Kind | None = None  # None: not recognised; a row says why
    call: str | None = None  # "f(x, positions)"
    built: str | None = None  # how an object was made of a class
    # of its frequencies; None: it is held against those that it has at first
    schedule: str | None = None
    claims: int | None = None  # how many positions it says that it can
    claimed_by: str | None = None  # by what: an attribute, the rows of a table
    judged_to: int | None = None  # so many positions must be right
    # it was built as its own file builds it, and not by its parameters' names alone
    by_file: bool = False


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck context` found."""

    schema: str = "rotcheck/context/1"
    rotcheck: str
    torch: str | None
    device: str
    right: float  # radians: a phase further off is not right
    makers: tuple[Maker, ...]
    rows: tuple[Reach, ...]
    summary: dict[str, int]
    interrupted: bool = False
    planned: int = 0  # how many rows the request asked for

    def exit_code(self) -> int:
        """1 for a finding, 5 when nothing ran."""
        return INTERRUPT if self.interrupted else exit_code(self.rows)
