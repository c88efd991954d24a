"""All files of a project, for what one file does to functions of another."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from rotcheck.scan import file_reading
from rotcheck.scan.module import Module
from rotcheck.scan.source_files import File

if TYPE_CHECKING:
    from rotcheck.scan.imports import Imports

Item = TypeVar("Item")
Word = str | re.Pattern[bytes]  # what a file has to hold, or it is not parsed


class Place(NamedTuple):
    """A function, and where it stands."""

    name: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.name} ({self.file}:{self.line})"


class Project:
    """The files of a scan, each parsed when it is asked for."""

    def __init__(self, files: Sequence[File]) -> None:
        self.files = tuple(files)
        self._collections: dict[Callable[[Module], Iterable[Any]], tuple[Any, ...]] = {}

    def texts(self, *words: Word) -> Iterator[tuple[File, bytes]]:
        """Yield the files that hold one of the words, all where none is given;
        not what cannot be read."""
        for file in self.files:
            try:
                content = file_reading.data(file)
            except file_reading.Unreadable:
                continue  # the scan says so where it reads that file itself
            if not words or any(_holds(content, word) for word in words):
                yield file, content

    def modules(self, *words: Word) -> Iterator[Module]:
        """Yield the modules whose text holds one of the words, all where none is given;
        not what is no Python."""
        for file, content in self.texts(*words):
            try:
                yield file_reading.module(file, content)
            except file_reading.Unreadable:
                continue

    @cached_property
    def imports(self) -> "Imports":
        """Which files can be in one process."""
        from rotcheck.scan.imports import Imports

        return Imports(self)

    def collect(self, gather: Callable[[Module], Iterable[Item]], *words: Word) -> tuple[Item, ...]:
        """What a function yields of all modules, gathered once a scan.

        Args:
            gather: a function with a name of its own, since it stands for what it once yielded.
            words: a module whose text holds none of them is not parsed.
        """
        if gather not in self._collections:
            self._collections[gather] = tuple(
                item for module in self.modules(*words) for item in gather(module)
            )
        return self._collections[gather]


def _holds(content: bytes, word: Word) -> bool:
    return word.encode() in content if isinstance(word, str) else word.search(content) is not None
