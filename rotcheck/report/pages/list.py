"""The names of implementations, and where each comes from."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from rotcheck.report.document import Document, Field, Legend, Part, Rows, Section
from rotcheck.report.text import one_line

WORD = "a list of implementations"

Source = Literal["rotcheck", "project", "package", "library", "exhibit"]
SECTIONS: dict[Source, str] = {
    "rotcheck": "rotcheck's own, which run by default",
    "project": "of this project's pyproject.toml, which run by default",
    "package": "of other installed packages, which run when named and with --all",
    "library": "of libraries, which run when named and with --all",
    "exhibit": "exhibits, which run only when named",
}


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """One name that `rotcheck compare` and the other commands take."""

    name: str
    source: Source
    about: str  # what it is, or the function that it stands for
    installed: bool = True  # False: a library that is not on this machine


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck list` found."""

    schema: str = "rotcheck/list/1"
    rotcheck: str
    names: tuple[Name, ...]

    def exit_code(self) -> int:
        """0: there is always something to list."""
        return 0


RESULT = Names


def document(names: Names) -> Document:
    """A section for each source."""
    return Document(tuple(_parts(names)), "rotcheck list")


def _parts(names: Names) -> Iterator[Part]:
    for source, title in SECTIONS.items():
        rows = [_row(name) for name in names.names if name.source == source]
        if rows:
            yield Section(title, [Rows(("name", "is"), rows)])
    yield Legend(
        "Every command takes these, and path/to/file.py:function, package.module:function "
        "and file.py as well."
    )


def _row(name: Name) -> tuple[Field, ...]:
    absent = "" if name.installed else "not installed: "
    return (
        Field(one_line(name.name), name=True),
        Field(one_line(f"{absent}{name.about}"), "plain" if name.installed else "dim"),
    )
