"""A result as cases that pass, fail or are skipped, in suites: what a CI system counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["failure", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class SuiteCase:
    """One case: it passes where it has no outcome."""

    group: str  # what it is about, which may be other words than its suite's name
    name: str
    outcome: Outcome | None = None
    message: str = ""
    kind: str = ""  # of a failure or an error: the verdict
    text: str = ""  # all that is known of it
    output: str | None = None  # of one that passes
    seconds: float = 0.0
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases of one function on one device, or of one file."""

    name: str
    cases: Sequence[SuiteCase]


def gate(suite: str, name: str, message: str, outcome: Outcome) -> Suite:
    """A suite of one case that passes where there is no message."""
    return Suite(suite, [SuiteCase(suite, name, outcome if message else None, message, kind=name)])
