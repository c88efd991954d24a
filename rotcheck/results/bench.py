"""The result of `rotcheck bench`: what each implementation takes."""

from typing import Literal

import msgspec

from rotcheck.exit_codes import FINDING, INTERRUPT, NOTHING_RAN, RIGHT
from rotcheck.results.identification import Identification, mistaken
from rotcheck.results.probe import Machine
from rotcheck.results.result import FINDINGS, UNIDENTIFIED


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with its noise: the median of all rounds,
    and between which values half of them lie."""

    median: float
    q25: float  # a quarter of the rounds lies below
    q75: float  # a quarter of the rounds lies above

    def meets(self, other: "Spread") -> bool:
        """Whether the ranges between the quartiles overlap: then neither is said to be larger."""
        return self.q25 <= other.q75 and other.q25 <= self.q75


TimingState = Literal["ran", "raises", "crashes", "hangs", "unavailable", "skipped", "unidentified"]


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """One implementation on one device in one dtype, shape and pass:
    what it takes, and what that is worth."""

    implementation: str
    device: str
    dtype: str
    shape: str  # of packed qkv: "2x10x3x8x64" is batch, sequence, 3, heads, width
    pass_: str = msgspec.field(name="pass")  # "forward" or "forward+backward"
    state: TimingState
    path: str | None = None  # what really ran
    seconds: Spread | None = None  # of one call, once it is steady
    rounds: int = 0  # in each of which it, a copy of its input and the baseline ran once
    calls: int = 0  # of it in a round
    others_percent: float | None = None  # of all cores, that other processes used meanwhile
    copy_seconds: Spread | None = None  # of copying its input; of copying it twice with gradients
    copy_gb_per_second: float | None = (
        None  # bytes read and written, in 10**9; the device's measured bandwidth
    )
    # as if the call itself had read and written what the copy does
    gb_per_second: float | None = None
    times_copy: Spread | None = None  # its time over that of the copy, paired by round
    copy_share: Spread | None = None  # the same as a share of the copy's bandwidth, in percent
    baseline_seconds: Spread | None = None  # of the baseline in the same rounds
    speedup: Spread | None = None  # the baseline's time over its own, paired; above 1 it is faster
    load_seconds: float | None = None  # of getting the function, imports of packages included
    first_call_seconds: float | None = None
    compile_seconds: float | None = None  # what loading and the first calls took beyond steady ones
    break_even_calls: int | None = None  # until that is paid back against the baseline; None: never
    input_bytes: int | None = None
    # held at the peak of one call beyond its inputs, its result included
    peak_bytes: int | None = None
    peak_inputs: float | None = None  # the same as a multiple of its input
    launches: int | None = None  # kernels on a GPU; on a CPU operations that read or write elements
    message: str | None = None  # what happened to a bad row; the reason, for one that did not run
    trace: tuple[str, ...] = ()  # innermost frames of whoever raised or died
    failure: str | None = None  # id of the known failure, as in `rotcheck explain ID`
    cause: str | None = None
    fix: str | None = None


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """All timings of a run with the machine they were made on."""

    schema: str = "rotcheck/bench/1"
    rotcheck: str
    machine: Machine
    against: str  # the baseline
    budget_seconds: float  # for each of the three things timed in a row
    timings: tuple[Timing, ...]
    # of the functions that were identified before they were timed
    conventions: tuple[Identification, ...] = ()
    interrupted: bool = False
    planned: int = 0  # how many rows the request asked for

    def exit_code(self) -> int:
        """1 when a row raised, crashed or hung, or its function is wrong or not identified;
        5 when nothing ran."""
        if self.interrupted:
            return INTERRUPT
        states = {row.state for row in self.timings}
        if states & {*FINDINGS, UNIDENTIFIED} or mistaken(self.conventions):
            return FINDING
        return RIGHT if "ran" in states else NOTHING_RAN
