"""The result of `rotcheck watch`: what was seen in a user's program."""

import msgspec

from rotcheck.results.result import Verdict


class CodeLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of code that ran."""

    file: str  # from the working directory, else from its package on
    line: int
    function: str = ""


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A Python process of the program."""

    pid: int
    parent: int
    command: tuple[str, ...]
    python: str
    torch: str | None = None  # its version; None: it was not imported
    rank: int | None = None
    world_size: int | None = None
    ended: bool  # Python ended by itself: no signal, no os._exit, no exec
    raised: bool = False  # an exception that nobody caught


class Flip(msgspec.Struct, frozen=True, kw_only=True):
    """A process-wide switch that somebody set to another value."""

    switch: str
    change: str
    call: str
    setter: str  # the function that was called
    where: tuple[CodeLine, ...]  # innermost first: what called it, and what called that
    left: bool  # the switch had another value at the end than at the beginning, by this call
    pids: tuple[int, ...]
    ranks: tuple[int, ...] = ()


class Fallback(msgspec.Struct, frozen=True, kw_only=True):
    """An exception that the program caught, so that something else ran in silence."""

    subject: str  # the module or function that failed
    error: str
    where: tuple[CodeLine, ...]
    count: int
    pids: tuple[int, ...]
    ranks: tuple[int, ...] = ()


class WatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """A function that turned tensors in the first steps, in one way; or an attention, by the line
    that calls it, and what entered it.
    """

    function: str
    module: str  # where it is defined, by name
    place: CodeLine  # and by file
    owners: tuple[str, ...] = ()  # modules of the model that called it; the first that were seen
    arguments: tuple[str, ...] = ()  # which of its tensors it turns so; none: it turned nothing
    calls: int  # in the steps that were watched, of one process
    does: str = ""  # "half, 128 lanes"
    angles: str = ""  # "Plain(theta=10000)"
    positions: tuple[tuple[int, int], ...] = ()  # runs of rows: the first position, and how many
    dtypes: tuple[str, ...] = ()  # before and after
    devices: tuple[str, ...] = ()
    verdict: Verdict
    finding: str | None = None
    message: str | None = None
    failure: str | None = None  # id of the known failure, as in `rotcheck explain ID`
    cause: str | None = None
    fix: str | None = None
    pids: tuple[int, ...] = ()
    ranks: tuple[int, ...] = ()


class RankPositions(msgspec.Struct, frozen=True, kw_only=True):
    """The positions that ranks turned the parts of one sequence by."""

    function: str
    positions: dict[str, tuple[tuple[int, int], ...]]  # runs, by the rank
    verdict: Verdict
    message: str


class Death(msgspec.Struct, frozen=True, kw_only=True):
    """What the program died of."""

    text: str  # the message, or what became of the process
    pid: int | None = None  # the process that died first, where it is known
    rank: int | None = None
    trace: str = ""  # the traceback, or the frames that a signal found
    where: tuple[CodeLine, ...] = ()  # the lines of the program in it, innermost first
    certainty: str = "unknown"
    why: str = ""
    failure: str | None = None  # id of the known failure or general message
    title: str = ""
    cause: str | None = None
    fix: str | None = None
    flag: Flip | None = None  # the call that set the switch which the failure comes of


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck watch` saw."""

    schema: str = "rotcheck/watch/1"
    rotcheck: str
    command: tuple[str, ...]
    status: int  # the program's exit code, or minus the signal that ended it
    seconds: float
    processes: tuple[Process, ...] = ()
    rows: tuple[WatchRow, ...] = ()
    rank_positions: tuple[RankPositions, ...] = ()
    flips: tuple[Flip, ...] = ()
    fallbacks: tuple[Fallback, ...] = ()
    death: Death | None = None
    notes: tuple[str, ...] = ()

    def exit_code(self) -> int:
        """The program's own, as a shell has it."""
        return self.status if self.status >= 0 else 128 - self.status
