"""What results of all kinds share: an exit code, verdicts,
and the known failure behind what went wrong."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol, get_args

from rotcheck.exit_codes import FINDING, NOTHING_RAN, RIGHT

Verdict = Literal[
    "agrees", "disagrees", "raises", "crashes", "hangs", "unavailable", "skipped", "unidentified"
]
"""What became of a cell.

`unavailable`: not on this machine; `skipped`: asked not to run; `unidentified`: nobody knows how to
call it, so it was not called; the rest ran.
"""

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
FINDINGS: tuple[Verdict, ...] = ("disagrees", "raises", "crashes", "hangs")
UNIDENTIFIED: Verdict = "unidentified"  # no finding: it accuses nobody, and lets no job start


class Result(Protocol):
    """What a command hands out: it knows what it comes to."""

    def exit_code(self) -> int:
        """The exit code of the contract."""


class Explainable(Protocol):
    """A result that a known failure may explain:
    `failure` is its id, as in `rotcheck explain ID`."""

    @property
    def failure(self) -> str | None: ...
    @property
    def cause(self) -> str | None: ...
    @property
    def fix(self) -> str | None: ...


class HasVerdict(Protocol):
    """A cell of a comparison, a course of a training run, a row of a context."""

    @property
    def verdict(self) -> Verdict: ...


def knowledge_of(result: Explainable) -> dict[str, Any]:
    """What explains a result, as fields of another one."""
    return {"failure": result.failure, "cause": result.cause, "fix": result.fix}


def summarise(cells: Iterable[HasVerdict]) -> dict[str, int]:
    """How many cells have each verdict, every verdict named."""
    counted = Counter(cell.verdict for cell in cells)
    return {verdict: counted[verdict] for verdict in VERDICTS}


def exit_code(cells: Sequence[HasVerdict]) -> int:
    """The exit code of the contract: 1 for a finding or what was not identified,
    5 when nothing ran, else 0."""
    if any(cell.verdict in (*FINDINGS, UNIDENTIFIED) for cell in cells):
        return FINDING
    return RIGHT if any(cell.verdict == "agrees" for cell in cells) else NOTHING_RAN
