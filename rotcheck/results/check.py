"""The result of `rotcheck check`: the answer for a file, and for each function of it."""

import msgspec

from rotcheck.exit_codes import FINDING, INTERRUPT, NOTHING_RAN, RIGHT
from rotcheck.results.comparison import Cell
from rotcheck.results.context import Context
from rotcheck.results.identification import Answer, Identification, Kind
from rotcheck.results.probe import Machine


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that keeps a function from being right:
    a mistake, or something that was not understood."""

    answer: Answer  # "wrong" or "unknown"
    by: str  # the command that tells more: "identify", "compare", "context"
    # id of the known failure, else the code of the finding or the check: "N1", "positions-ignored"
    rule: str
    message: str
    seen: str | None = None  # what was tried, and where it went wrong
    cause: str | None = None
    # what to change, or what to name, declare or run so that it can be judged
    fix: str | None = None
    failure: str | None = None  # id of the known failure, as in `rotcheck explain ID`
    demonstration: str | None = None  # Python that runs without rotcheck and shows a mistake


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One function or class of a file: the answer, and what it rests on."""

    name: str  # "model.py:RotaryEmbedding"
    answer: Answer
    file: str | None = None  # from the working directory
    line: int | None = None  # on which it begins
    kind: Kind | None = None  # None: not understood
    needed: int | None = (
        None  # how many positions, from 0, must be right; None: it makes no angles of its own
    )
    right_to: int | None = None  # how many of them are
    # in which it was judged, where that is not in those that were asked for
    dtypes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()  # what is worth knowing besides


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck check` found."""

    schema: str = "rotcheck/check/1"
    rotcheck: str
    machine: Machine
    asked: tuple[str, ...]  # files, as they are shown
    device: str
    dtypes: tuple[str, ...]
    to: int | None  # how many positions must be right; None: as many as each claims, else 4096
    answer: Answer | None  # None: there was nothing to check
    headline: str  # "right to 32,768 in bfloat16", or what is wrong, or what was not understood
    parts: tuple[Part, ...]
    advice: tuple[str, ...] = ()  # what to do next: a command
    conventions: tuple[Identification, ...] = ()  # of each part
    cells: tuple[Cell, ...] = ()  # of what rotates
    context: Context | None = None  # of what makes its own angles
    interrupted: bool = False

    def exit_code(self) -> int:
        """1 for what is wrong or was not understood, 5 where nothing is there."""
        if self.interrupted:
            return INTERRUPT
        return {"right": RIGHT, None: NOTHING_RAN}.get(self.answer, FINDING)
