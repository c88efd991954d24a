"""The result of `rotcheck train`: the course of each training run, step by step."""

import msgspec

from rotcheck.exit_codes import FINDING, INTERRUPT
from rotcheck.results.comparison import Cell
from rotcheck.results.identification import Identification, mistaken
from rotcheck.results.probe import Machine
from rotcheck.results.result import Verdict, exit_code


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a training run, and its gradient held against float64 at
    the same weights and data."""

    number: int  # from 1
    loss: float  # nats a residue for rotcheck's own model; NaN and infinity are written as null
    gradient_error: float | None = None  # |g - g64| / |g64| over all parameters
    # the same for a right rotation that rounds once: what rounding explains
    rounding: float | None = None
    # the parameter that is furthest off, in multiples of what rounding explains
    tensor: str | None = None
    tensor_error: float | None = None  # |g - g64| / |g64| of that parameter alone
    tensor_rounding: float | None = None  # what rounding explains there


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """A model trained with one implementation on one device in one dtype."""

    implementation: str
    device: str
    dtype: str
    verdict: Verdict
    steps: tuple[Step, ...] = ()  # those that were taken
    wrong_at: int | None = None  # the first step whose gradient rounding does not explain
    # the first step whose loss leaves the float64 curve; None: it never does
    parts_at: int | None = None
    message: str | None = None  # what is wrong, or why it did not run
    path: str | None = None  # what really ran
    note: str | None = None  # why that ran
    trace: tuple[str, ...] = ()  # innermost frames of whoever raised or died
    failure: str | None = None  # id of the known failure, as in `rotcheck explain ID`
    cause: str | None = None
    fix: str | None = None
    # the bad cells of the matrix; None: the matrix was not asked
    cells: tuple[Cell, ...] | None = None
    stand_in: bool = False


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A run that the others are held against: the same model, first weights and data."""

    # "float64": the truth; "rounded once": a right rotation in the device and dtype below
    name: str
    device: str
    dtype: str
    losses: tuple[float, ...]  # of each step; fewer than asked for when it failed
    message: str | None = None  # what stopped it


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck train` found."""

    schema: str = "rotcheck/train/1"
    rotcheck: str
    machine: Machine
    model: str  # "miniature SEDD", or the factory that was given
    sequences: int  # how many protein sequences the batches were cut from
    planned: int  # steps
    seed: int
    references: tuple[Reference, ...]  # float64 first
    courses: tuple[Course, ...]
    summary: dict[str, int]
    # of the functions that were identified before they trained
    conventions: tuple[Identification, ...] = ()
    interrupted: bool = False

    def exit_code(self) -> int:
        """1 for a finding, or for a function that makes a mistake or was not identified;
        5 when nothing ran."""
        if self.interrupted:
            return INTERRUPT
        return FINDING if mistaken(self.conventions) else exit_code(self.courses)
