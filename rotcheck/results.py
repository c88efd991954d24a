"""What a run found, as plain data: the machine, its lines, the cells of a comparison, the report.

Everything here can be written as JSON and read back; nothing here knows torch. The JSON is stable: within
a schema version fields are only added.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol, get_args

import msgspec

from rotcheck.exit_codes import FINDING, INTERRUPT, NOTHING_RAN, RIGHT

Verdict = Literal[
    "agrees", "disagrees", "raises", "crashes", "hangs", "unavailable", "skipped", "unidentified"
]
"""What became of a cell. `unavailable`: not on this machine; `skipped`: asked not to run; `unidentified`: nobody knows
how to call it, so it was not called; the rest ran."""

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
FINDINGS: tuple[Verdict, ...] = ("disagrees", "raises", "crashes", "hangs")
UNIDENTIFIED: Verdict = "unidentified"  # no finding: it accuses nobody, and lets no job start
INTERPRETER = "interpreter"  # the stand-in device on which Triton kernels run on CPU tensors
INFERENCE = "inference"  # the code of a choice: a kernel that autograd does not see

REPORT_SCHEMA = "rotcheck/report/1"
PROBE_SCHEMA = "rotcheck/probe/1"
TRIAL_SCHEMA = "rotcheck/trial/1"
TRAINING_SCHEMA = "rotcheck/train/1"
BENCH_SCHEMA = "rotcheck/bench/1"
CONVENTION_SCHEMA = "rotcheck/convention/1"
CONTEXT_SCHEMA = "rotcheck/context/1"
CHECK_SCHEMA = "rotcheck/check/1"
SCAN_SCHEMA = "rotcheck/scan/1"


class Result(Protocol):
    """What a command hands out: it knows what it comes to."""

    def exit_code(self) -> int:
        """The exit code of the contract."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a probe: a thing of this machine, and what it did when it was run."""

    group: str  # "devices", "torchscript", "libraries", "compilers" or "switches"
    name: str  # what was run: "cpu", "legacy executor on meta", "flash-attn"
    state: str  # the group's word for what happened: "runs", "raises", "absent", "crashes", ...
    detail: str = ""  # what it is (name, memory, version) or what it said
    runs: int = 0  # how many times it was really run; 0 for what can only be read
    stand_in: bool = False  # meta and the Triton interpreter need no hardware
    failure: str | None = None  # id of the known failure that this is, as in `rotcheck explain ID`
    cause: str | None = None
    fix: str | None = None
    values: dict[str, Any] = {}  # the figures behind `detail`, for machines to read


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine a run was made on, without anything that names its owner."""

    system: str  # "Linux 6.1.0 x86_64, glibc 2.36"
    processor: str
    cores: int
    memory_gib: float
    python: str
    torch: str | None  # None: torch is not installed or cannot be imported; a line says why
    lines: tuple[Line, ...] = ()

    def devices(self) -> dict[str, Line]:
        """The lines of the devices that torch can name here, by device name."""
        return {line.name: line for line in self.lines if line.group == "devices"}


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck probe` found."""

    schema: str = PROBE_SCHEMA
    rotcheck: str
    machine: Machine
    interrupted: bool = False

    def exit_code(self) -> int:
        """5 where no device runs."""
        runs = any(
            line.state == "runs" and not line.stand_in for line in self.machine.devices().values()
        )
        return INTERRUPT if self.interrupted else RIGHT if runs else NOTHING_RAN


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One implementation on one device in one dtype under one check: its verdict and its evidence."""

    implementation: str
    device: str
    dtype: str
    check: str
    verdict: Verdict
    error: float | None = None  # worst error in units of eps(dtype) * norm of the rotated pair
    path: str | None = None  # what really ran
    seconds: float | None = None  # of the last call, in the worker
    # what happened, for a bad cell; the reason, for one that did not run
    message: str | None = None
    note: str | None = None  # what is worth knowing although it agrees
    # where the worst error sits: batch, row, position, head, pair
    where: dict[str, int] | None = None
    # share of elements that are the truth rounded once; of `forward`
    correctly_rounded: float | None = None
    not_finite: int = 0  # NaN and inf that should not be there; they are not part of `error`
    trace: tuple[str, ...] = ()  # innermost frames of whoever raised or died
    failure: str | None = None  # id of the known failure, as in `rotcheck explain ID`
    cause: str | None = None
    fix: str | None = None  # what to change; of `unidentified`, what to do so that it can be judged
    demonstration: str | None = None  # of a mistake: Python that runs without rotcheck and shows it
    stand_in: bool = False
    # False, of one that is skipped: the check asks for what the function has not
    applies: bool = True


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
        """Whether it is handed tables, or makes them; else it computes the angles of positions itself."""
        return self.tables != "positions"


class FieldEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an identification: what is said of which field, and what told so."""

    field: str
    says: str
    because: str


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """Something worth knowing about a function: a likely mistake, or a choice that others do not make."""

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

    schema: str = CONVENTION_SCHEMA
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


Relation = Literal["differs", "bit-identical", "same path", "not comparable"]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """How far two implementations are from each other on one device in one dtype."""

    first: str
    second: str
    device: str
    dtype: str
    largest: float | None  # largest difference in units; None: nothing to compare
    relation: Relation
    reason: str | None = None  # why there is nothing to compare


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All cells of a run with the machine they ran on."""

    schema: str = REPORT_SCHEMA
    rotcheck: str
    machine: Machine
    cells: tuple[Cell, ...]
    summary: dict[str, int]
    pairs: tuple[Pair, ...] = ()
    # of the functions that were identified before they were judged
    conventions: tuple[Identification, ...] = ()
    interrupted: bool = False
    planned: int = 0  # how many cells the request asked for; more than there are when interrupted

    def exit_code(self) -> int:
        """1 for a finding or what was not identified, 5 when nothing ran."""
        return INTERRUPT if self.interrupted else exit_code(self.cells)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim of the fix that rotcheck started from, held against runs."""

    claim: str
    holds: bool | None  # None: this machine lacks what it takes to tell
    seen: tuple[str, ...]  # what was run and what happened, line by line


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck trial` found."""

    schema: str = TRIAL_SCHEMA
    rotcheck: str
    torch: str | None
    claims: tuple[Claim, ...]

    def exit_code(self) -> int:
        """1 where a claim does not hold, 5 where none could be told here."""
        answers = [claim.holds for claim in self.claims if claim.holds is not None]
        return (RIGHT if all(answers) else FINDING) if answers else NOTHING_RAN


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with its noise: the median of all rounds, and between which values half of them lie."""

    median: float
    q25: float  # a quarter of the rounds lies below
    q75: float  # a quarter of the rounds lies above

    def meets(self, other: "Spread") -> bool:
        """Whether the ranges between the quartiles overlap: then neither is said to be larger."""
        return self.q25 <= other.q75 and other.q25 <= self.q75


TimingState = Literal["ran", "raises", "crashes", "hangs", "unavailable", "skipped", "unidentified"]


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """One implementation on one device in one dtype, shape and pass: what it takes, and what that is worth."""

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

    schema: str = BENCH_SCHEMA
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
        """1 when a row raised, crashed or hung, or its function is wrong or not identified; 5 when nothing ran."""
        if self.interrupted:
            return INTERRUPT
        states = {row.state for row in self.timings}
        if states & {*FINDINGS, UNIDENTIFIED} or mistaken(self.conventions):
            return FINDING
        return RIGHT if "ran" in states else NOTHING_RAN


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a training run, and its gradient held against float64 at the same weights and data."""

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

    schema: str = TRAINING_SCHEMA
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
        """1 for a finding, or for a function that makes a mistake or was not identified; 5 when nothing ran."""
        if self.interrupted:
            return INTERRUPT
        return FINDING if mistaken(self.conventions) else exit_code(self.courses)


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

    schema: str = CONTEXT_SCHEMA
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


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that keeps a function from being right: a mistake, or something that was not understood."""

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

    schema: str = CHECK_SCHEMA
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


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a project that will break, or go silently wrong, on another device."""

    code: str  # of the rule: "legacy-executor"
    file: str  # from the working directory, else from the folder that was named
    line: int
    column: int  # in characters, from 1
    end_line: int
    where: str = ""  # the class and function around it: "Rotary.forward"; empty: the module itself
    message: str  # what will happen
    change: str  # what to write instead
    devices: str  # where it bites
    failure: str | None = None  # id of the known failure, as in `rotcheck explain ID`
    cell: int | None = None  # of a notebook, from 1: lines are counted in it


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A file, a folder or a notebook's cell that could not be read, and why."""

    file: str
    reason: str


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck scan` found."""

    schema: str = SCAN_SCHEMA
    rotcheck: str
    asked: tuple[str, ...]  # files and folders
    codes: tuple[str, ...]  # of the rules that were asked
    files: int  # how many were read
    gaps: tuple[Gap, ...]
    hazards: tuple[Hazard, ...]
    ignored: int  # how many more hazards a comment ignores
    notes: tuple[str, ...] = ()  # comments that ignore a code which no rule has
    interrupted: bool = False

    def exit_code(self) -> int:
        """1 for a hazard, 5 where no Python file could be read."""
        if self.interrupted:
            return INTERRUPT
        return FINDING if self.hazards else RIGHT if self.files else NOTHING_RAN


class Explainable(Protocol):
    """A result that a known failure may explain: `failure` is its id, as in `rotcheck explain ID`."""

    @property
    def failure(self) -> str | None: ...
    @property
    def cause(self) -> str | None: ...
    @property
    def fix(self) -> str | None: ...


def knowledge_of(result: Explainable) -> dict[str, Any]:
    """What explains a result, as fields of another one."""
    return {"failure": result.failure, "cause": result.cause, "fix": result.fix}


def summarise(cells: Iterable[Cell | Course | Reach]) -> dict[str, int]:
    """How many cells have each verdict, every verdict named."""
    counted = Counter(cell.verdict for cell in cells)
    return {verdict: counted[verdict] for verdict in VERDICTS}


def identified_code(found: Sequence[Identification]) -> int:
    """The exit code: 0 if all are right, 1 for one that is wrong or not understood."""
    return RIGHT if all(one.answer == "right" for one in found) else FINDING


def findings(cells: Iterable[Cell]) -> list[Cell]:
    """The cells that ran and went wrong."""
    return [cell for cell in cells if cell.verdict in FINDINGS]


def mistakes(identification: Identification) -> list[Remark]:
    """What of an identification is a mistake, and not a choice."""
    return [remark for remark in identification.findings if remark.mistake]


def mistaken(found: Iterable[Identification]) -> list[Identification]:
    """The functions that make a mistake."""
    return [one for one in found if one.answer == "wrong"]


def exit_code(cells: Sequence[Cell | Course | Reach]) -> int:
    """The exit code of the contract: 1 for a finding or what was not identified, 5 when nothing ran, else 0."""
    if any(cell.verdict in (*FINDINGS, UNIDENTIFIED) for cell in cells):
        return FINDING
    return RIGHT if any(cell.verdict == "agrees" for cell in cells) else NOTHING_RAN


def from_json(text: bytes | str) -> Report:
    """The report that `rotcheck compare --format json` wrote.

    Raises `msgspec.ValidationError` when the text is no report of this schema.
    """
    return msgspec.json.decode(text, type=Report)


def schema(kind: type[msgspec.Struct] = Report) -> dict[str, Any]:
    """The JSON Schema of a result: `Report`, `Probe`, `Training`, or another that has a `schema`.

    `rotcheck.report.pages.results()` has all of them by name.
    """
    return msgspec.json.schema(kind)
