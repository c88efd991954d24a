"""Reads the knowledge from TOML files, one for each entry, in a folder of this package."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec


class KnowledgeEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file of the knowledge holds."""

    id: str  # also the name of its file
    title: str


Kind = TypeVar("Kind", bound=KnowledgeEntry)


class KnowledgeError(Exception):
    """A file of the knowledge is not what it should be;
    the message names the file and what to mend."""


def texts(folder: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file of a folder."""
    # Imported here: only the first use pays for it, not `rotcheck --help`.
    from importlib.resources import files

    for file in files("rotcheck.diagnose").joinpath(folder).iterdir():
        if file.name.endswith(".toml"):
            yield file.name, file.read_text("utf-8")


def keys(name: str, text: str) -> dict[str, Any]:
    """What a file says, with the lines of each text joined into one.

    Raises `KnowledgeError` when it is no TOML.
    """
    import tomllib

    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KnowledgeError(f"{name}: {error}") from error
    return {
        key: " ".join(value.split()) if isinstance(value, str) else value
        for key, value in values.items()
    }


def entry(name: str, values: dict[str, Any], kind: type[Kind]) -> Kind:
    """The entry of this kind that a file holds.

    Raises `KnowledgeError` when a key is missing, unknown or of another type, or the file is not
    called by the id.
    """
    try:
        result = msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise KnowledgeError(f"{name}: {error}") from error
    if name != f"{result.id}.toml":
        raise KnowledgeError(f"{name}: a file with the id {result.id!r} is called {result.id}.toml")
    return result


def by_id(entries: Iterable[Kind]) -> dict[str, Kind]:
    """The entries by their ids, in the order of those: N2 comes before N10."""
    return {entry.id: entry for entry in sorted(entries, key=_order)}


def _order(entry: KnowledgeEntry) -> tuple[str, int]:
    letters = entry.id.rstrip("0123456789")
    return letters, int(entry.id[len(letters) :] or 0)
