"""What a document is made of: a page writes it of a result, and any format draws it.

A part says what something is and never how it looks: what is right, wrong or only worth knowing has
a `tone`; how much stands beside each other, what is folded, and what is cut where there is no room
are for each format to say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rotcheck.results import Explainable

Tone = Literal["good", "bad", "note", "dim", "plain"]
"""Right, wrong, not understood or worth a second look, of less weight than the rest,
or none of these."""

Form = Literal["prose", "whole", "quote", "code"]
"""Of a text: ours, which may be cut; ours, shown whole; what others wrote;
Python that can be run as it is."""

GOOD, BAD, UNCLEAR, ELLIPSIS = "✓", "✗", "?", "…"
SIGNS: dict[Tone, str] = {"good": GOOD, "bad": BAD, "note": UNCLEAR, "dim": "-", "plain": "-"}
SPELLINGS = str.maketrans({GOOD: "ok", BAD: "XX", ELLIPSIS: "..", "µ": "u", "×": "x", "±": "+-"})
"""How the signs of a document are written where there is nothing beyond ASCII."""


@dataclass(frozen=True, slots=True)
class Display:
    """The screen or file that a text is made for."""

    width: int = 100  # columns
    colour: bool = False  # ANSI colours
    ascii: bool = False  # nothing beyond ASCII


@dataclass(frozen=True, slots=True)
class Heading:
    """What a document, or a part of it that could stand by itself, says in one line."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Quote:
    """A line of somebody else's that the document is about."""

    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    """What the result rests on, a line for each fact: the machine, conventions; or warnings."""

    texts: Sequence[str]
    tone: Tone = "dim"


@dataclass(frozen=True, slots=True)
class Legend:
    """What the signs and columns of the tables above it mean."""

    text: str


@dataclass(frozen=True, slots=True)
class Detail:
    """A text with the label that says what it tells."""

    label: str
    text: str
    form: Form = "prose"
    failure: str | None = None  # id of the known failure that it explains: said once in a document

    def __str__(self) -> str:
        return f"{self.label}: {self.text}"


@dataclass(frozen=True, slots=True)
class Details:
    """Texts with labels."""

    details: Sequence[Detail]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong ("bad"), not understood ("note") or only explained ("dim")."""

    title: str  # empty: it stands in the heading above
    details: Sequence[Detail]
    tone: Tone = "bad"
    where: str = ""  # on which devices, in which dtypes and checks


@dataclass(frozen=True, slots=True)
class Field:
    """What stands in one field of a table."""

    text: str
    tone: Tone = "plain"
    name: bool = False  # what the row is about


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one device, or of one aspect."""

    title: str
    names: tuple[str, ...]
    rows: tuple[tuple[Field, ...], ...]  # one for each name of the grid, one field for each column


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with a row for each name, and columns in groups."""

    head: str  # above the names
    names: tuple[str, ...]
    groups: tuple[Columns, ...]
    legend: str = ""

    def texts(self) -> set[str]:
        """What stands in its fields."""
        return {field.text for group in self.groups for fields in group.rows for field in fields}


@dataclass(frozen=True, slots=True)
class Table:
    """A grid, with a form that says less in each field for where there is less room."""

    grid: Grid
    short: Grid | None = None
    aspects: bool = False  # its groups are aspects of one thing; False: the same of other devices
    warnings: Sequence[str] = ()  # what speaks against trusting it


@dataclass(frozen=True, slots=True)
class Rows:
    """Lines of a few fields each, of which the last is a text."""

    head: tuple[str, ...]
    rows: Sequence[tuple[Field, ...]]
    why: bool = False  # the last field only tells why the one before it says so


@dataclass(frozen=True, slots=True)
class Listing:
    """Texts below a heading."""

    title: str
    texts: Sequence[str]
    tone: Tone = "plain"
    aside: bool = False  # it may be folded, and cut where it is long


@dataclass(frozen=True, slots=True)
class Section:
    """Parts that belong together."""

    title: str
    parts: Sequence["Part"]
    tone: Tone = "plain"
    aside: bool = False  # it may be folded
    id: str = ""  # of the failure that it is about


@dataclass(frozen=True, slots=True)
class Code:
    """Python that can be copied as it is."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What all came to, in one line."""

    text: str


Part = (
    Heading
    | Quote
    | Lines
    | Legend
    | Details
    | Finding
    | Table
    | Rows
    | Listing
    | Section
    | Code
    | Summary
)


@dataclass(frozen=True, slots=True)
class Document:
    """What there is to say of a result, in the order of reading."""

    parts: Sequence[Part]
    command: str = ""  # "rotcheck compare": what stands above it where it has no heading


def listing(title: str, texts: Sequence[str], *, aside: bool = False) -> Iterator[Listing]:
    """The texts below a heading; nothing where there is none."""
    if texts:
        yield Listing(title, texts, aside=aside)


def legend(text: str, *, of: Sequence[object]) -> Iterator[Legend]:
    """What the tables mean; nothing where there are none."""
    if of:
        yield Legend(text)


def knowledge(result: Explainable, demonstration: str | None = None) -> list[Detail]:
    """What is known of a mistake, in the order to show it."""
    return [
        Detail("cause", result.cause or "", failure=result.failure),
        Detail("fix", result.fix or "", failure=result.failure),
        Detail("shown by", demonstration or "", "code"),
        Detail("more", f"rotcheck explain {result.failure}" if result.failure else ""),
    ]


def details(*candidates: Detail) -> list[Detail]:
    """Those that have something to say."""
    return [detail for detail in candidates if detail.text]
