"""The result of `rotcheck compare`: its cells, how far each two implementations are apart,
and the report of all."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from rotcheck.exit_codes import INTERRUPT
from rotcheck.results.identification import Identification
from rotcheck.results.probe import Machine
from rotcheck.results.result import FINDINGS, Verdict, exit_code


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One implementation on one device in one dtype under one check:
    its verdict and its evidence."""

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

    schema: str = "rotcheck/report/1"
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


def findings(cells: Iterable[Cell]) -> list[Cell]:
    """The cells that ran and went wrong."""
    return [cell for cell in cells if cell.verdict in FINDINGS]
