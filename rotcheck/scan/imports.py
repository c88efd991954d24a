"""Which files of a project can be in one process:
who imports whom, read off the lines that import."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import takewhile
from pathlib import PurePath

from rotcheck.scan.project import Project

Parts = tuple[str, ...]
_LINE = re.compile(
    rb"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^)]*\)|[^\n#;]+)|import[ \t]+([^\n#;]+))",
    re.MULTILINE,
)


class Imports:
    """The graph of a project's imports."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._files = {_parts(file.name): file.name for file in project.files}
        self._ends: dict[str, list[Parts]] = defaultdict(list)
        for parts in self._files:
            self._ends[parts[-1] if parts else ""].append(parts)

    def together(self, file: str) -> set[str]:
        """The files that can be in one process with a file: what its importers import, and theirs.

        Where nobody here imports it, whoever does may import its folder's other files too.
        """
        importers = _reach([file], self._importers)
        beside = self._beside(file) if importers == {file} else set()
        return _reach(importers | beside, self._imports)

    def _beside(self, file: str) -> set[str]:
        """The files of the folder and below; at the top those beside a module,
        none beside a program."""
        folder = _package(file)
        if folder:
            return {name for parts, name in self._files.items() if parts[: len(folder)] == folder}
        texts = self._project.texts("__main__")
        is_program = any(candidate.name == file for candidate, _ in texts)
        top = {name for parts, name in self._files.items() if len(parts) == 1}
        return set() if is_program else top

    @cached_property
    def _imports(self) -> dict[str, set[str]]:
        return {
            file.name: {
                name
                for name_in_full in _imports(text)
                for name in self._names_of_modules(name_in_full, _package(file.name))
            }
            for file, text in self._project.texts()
        }

    @cached_property
    def _importers(self) -> dict[str, set[str]]:
        graph: dict[str, set[str]] = defaultdict(set)
        for file, names in self._imports.items():
            for name in names:
                graph[name].add(file)
        return graph

    def _names_of_modules(self, name_in_full: str, package: Parts) -> Iterator[str]:
        """Yield the file that a dotted name means in a package,
        and those of the packages that it stands in."""
        rest = name_in_full.lstrip(".")
        level, parts = len(name_in_full) - len(rest), tuple(filter(None, rest.split(".")))
        if level:
            goal: Parts | None = (*package[: len(package) - level + 1], *parts)
        else:
            ends = [end for end in self._ends.get(parts[-1], ()) if end[-len(parts) :] == parts]
            goal = max(ends, key=lambda end: _common_length(end, package), default=None)
        depth = len(parts) if level == 0 else len(parts) + 1
        for length in range(len(goal) - depth + 1, len(goal) + 1) if goal else ():
            if goal and goal[:length] in self._files:
                yield self._files[goal[:length]]


def _reach(starts: Iterable[str], graph: dict[str, set[str]]) -> set[str]:
    waiting = list(starts)
    reach = set(waiting)
    while waiting:
        more = graph.get(waiting.pop(), set()) - reach
        reach |= more
        waiting += more
    return reach


def _imports(text: bytes) -> Iterator[str]:
    """Yield the dotted names that the lines of a file import;
    of `from a import b` both `a` and `a.b`."""
    for source, names, plain in _LINE.findall(text):
        for name in (names.strip(b"()") or plain).decode("utf-8", "replace").split(","):
            word = name.partition("#")[0].split()
            if word and source:
                front = source.decode()
                yield front
                yield f"{front}{word[0]}" if front.endswith(".") else f"{front}.{word[0]}"
            elif word:
                yield word[0]


def _parts(file: str) -> Parts:
    path = PurePath(file).with_suffix("")
    return path.parts[:-1] if path.name == "__init__" else path.parts


def _package(file: str) -> Parts:
    return PurePath(file).parts[:-1]


def _common_length(first: Parts, second: Parts) -> int:
    same = takewhile(lambda pair: pair[0] == pair[1], zip(first, second))
    return sum(1 for _ in same)
