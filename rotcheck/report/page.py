"""What a format is asked to show, and for what kind of reader's screen."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from rotcheck.results import Cell, Check, Report


@dataclass(frozen=True, slots=True)
class Look:
    """The screen or file that a text is made for."""

    width: int = 100  # columns
    colour: bool = False  # ANSI colours
    ascii: bool = False  # nothing beyond ASCII


@dataclass(frozen=True, slots=True)
class Page:
    """A report, and what the caller puts above it."""

    found: Report
    headline: str = ""  # one line above everything
    holds: bool | None = None  # whether what was asked for holds; None: nothing was asked
    # cells that do not hold although they are no finding, and why
    broken: tuple[tuple[Cell, str], ...] = ()
    checks: tuple[Check, ...] = ()  # files that were checked beside
    # file and line of a function
    places: Mapping[str, tuple[str, int | None]] = field(default_factory=dict)
    advice: tuple[str, ...] = ()  # what to do next: commands
    document: msgspec.Struct | None = None  # what machines read instead of `found`
