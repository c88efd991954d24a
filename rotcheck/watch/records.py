"""Reads what the processes of a watched program wrote down: a file for each, a line for each thing.

The other side is `inside/`, which writes these lines as they are named here.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from rotcheck.results import Verdict

Line = tuple[str, int, str]
"""File, line and function."""


class RecordLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """A line of a record."""

    time: float


class Introduction(RecordLine, frozen=True, kw_only=True, tag="process"):
    """Which process it is."""

    how: str  # "started" or "forked"
    pid: int
    parent: int
    command: tuple[str, ...]
    python: str
    rank: str | None = None
    local_rank: str | None = None
    world_size: str | None = None


class WatchFailure(RecordLine, frozen=True, kw_only=True, tag="unwatched"):
    """Why a process is not watched."""

    pid: int
    python: str
    why: str


class TorchImport(RecordLine, frozen=True, kw_only=True, tag="torch"):
    """torch was imported."""

    version: str


class SwitchChange(RecordLine, frozen=True, kw_only=True, tag="switch"):
    """A process-wide switch got another value."""

    switch: str
    setter: str
    call: str
    change: str
    parts: dict[str, tuple[str, str]]  # its values before and after, by their names
    where: tuple[Line, ...]


class ImportFailure(RecordLine, frozen=True, kw_only=True, tag="failed import"):
    """A module could not be imported."""

    module: str
    error: str
    below: str  # the module whose failure, not caught, was this one's; empty where there is none
    where: tuple[Line, ...]


class CaughtException(RecordLine, frozen=True, kw_only=True, tag="swallowed"):
    """An exception around rotary code that the program caught."""

    function: str
    error: str
    where: tuple[Line, ...]


class RotationSighting(RecordLine, frozen=True, kw_only=True, tag="rotation"):
    """A call that turned a tensor, or was handed tables and turned nothing."""

    place: Line  # where the function is defined
    module: str
    function: str
    owner: str  # the module of the model that made the call
    argument: str  # which tensor; empty: none was turned
    does: str
    angles: str
    verdict: Verdict
    finding: str
    message: str
    positions: tuple[tuple[int, int], ...]  # of all rows, as runs: the first, and how many
    dtypes: tuple[str, ...]  # before and after
    devices: tuple[str, ...]


class Exchange(RecordLine, frozen=True, kw_only=True, tag="exchange"):
    """What a function turned was sent to other ranks."""

    place: Line
    collective: str
    group: tuple[int, ...]  # the ranks that send each other tensors
    inputs: str  # a digest of what the model was handed: other ranks may have had other tokens


class PartSighting(RecordLine, frozen=True, kw_only=True, tag="part"):
    """A function that turned something is a part of another one."""

    inner: Line
    outer: Line


class CountSighting(RecordLine, frozen=True, kw_only=True, tag="calls"):
    """How often a function that turns something was called in the steps that were watched."""

    place: Line
    count: int


class Window(RecordLine, frozen=True, kw_only=True, tag="window"):
    """A model ran, and its calls were watched."""

    count: int  # of windows so far


class CompiledCode(RecordLine, frozen=True, kw_only=True, tag="compiled"):
    """A function that runs compiled, so that its calls are not seen."""

    place: Line


class Problem(RecordLine, frozen=True, kw_only=True, tag="problem"):
    """Why calls were not watched any more."""

    why: str


class Exec(RecordLine, frozen=True, kw_only=True, tag="exec"):
    """The process became another program."""

    program: str
    where: tuple[Line, ...]


class UncaughtException(RecordLine, frozen=True, kw_only=True, tag="death"):
    """Nobody caught an exception: the traceback that Python is about to show."""

    text: str
    where: tuple[Line, ...]


class End(RecordLine, frozen=True, kw_only=True, tag="end"):
    """Python ended by itself."""


class Record:
    """What one process wrote down.

    Attributes:
        entries: Its lines, in their order.
        fault: What faulthandler wrote as a signal ended it; empty where none did.
    """

    def __init__(self, entries: tuple[RecordLine, ...], fault: str) -> None:
        self.entries, self.fault = entries, fault

    @property
    def introduction(self) -> Introduction | None:
        """Which process it is, where it could say so."""
        return next((entry for entry in self.entries if isinstance(entry, Introduction)), None)

    @property
    def rank(self) -> int | None:
        """Its rank, where a launcher gave it one."""
        rank = self.introduction.rank if self.introduction else None
        return int(rank) if rank and rank.isdecimal() else None


KINDS = (
    Introduction
    | WatchFailure
    | TorchImport
    | SwitchChange
    | ImportFailure
    | CaughtException
    | RotationSighting
    | Exchange
    | PartSighting
    | CountSighting
    | Problem
    | Window
    | CompiledCode
    | Exec
    | UncaughtException
    | End
)


def read(folder: Path) -> list[Record]:
    """The records of a folder, in the order in which their processes began."""
    files = sorted(folder.glob("*.jsonl"))
    records = [Record(tuple(_entries(file)), _fault(file)) for file in files]
    return sorted(
        (record for record in records if record.entries), key=lambda record: record.entries[0].time
    )


def _entries(file: Path) -> Iterator[RecordLine]:
    for line in file.read_bytes().splitlines():
        try:
            yield msgspec.json.decode(line, type=KINDS)
        except msgspec.DecodeError:  # a process that was killed amid a line
            continue


def _fault(file: Path) -> str:
    fault = file.with_name(f"{file.name}.fault")
    return fault.read_text("utf-8", "replace") if fault.exists() else ""
