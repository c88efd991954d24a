"""A table as plain data: names down, blocks of columns across; what each format draws in its own way."""

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "bad", "note", "none"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in one field of a table."""

    text: str
    tone: Tone = "none"


@dataclass(frozen=True, slots=True)
class Block:
    """The columns of one device."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]  # one for each name of the grid, one entry for each column


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with a row for each name."""

    head: str  # above the names
    names: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Marks:
    """The signs for right, wrong, and not known."""

    good: str = "✓"
    bad: str = "✗"
    cut: str = "…"
    unknown: str = "?"


UNICODE = Marks()
ASCII = Marks("ok", "XX", "..")
