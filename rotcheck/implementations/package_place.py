"""Of which package a file is a module, and which folders of its project hold what it imports."""

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

MARKS = (".git", ".hg", "pyproject.toml", "setup.py", "setup.cfg")  # of a project's root


@dataclass(frozen=True)
class PackagePlace:
    """Where a file stands: the folder that holds the outermost package around it, if there is one,
    and the file's name as a module of that."""

    file: Path
    root: Path | None
    name: str
    is_relative: bool
    """It imports from its own package, as `from .tables import cos`."""
    imports: tuple[str, ...]
    """The modules that it imports by their full names."""

    @cached_property
    def imports_own(self) -> bool:
        """Whether it imports from its own package."""
        own = self.name.partition(".")[0]
        named = any(name.partition(".")[0] == own for name in self.imports)
        return self.root is not None and (self.is_relative or named)

    @property
    def folders(self) -> list[Path]:
        """The folders to have in the path: its own, that of its package, and those of its project
        that hold what it imports."""
        holding = [folder for folder in _of_project(self.file) if _holds_any(folder, self.imports)]
        return list(dict.fromkeys([self.file.parent, *filter(None, [self.root]), *holding]))


def place_of(file: Path) -> PackagePlace:
    """Where a file stands: in the package whose `__init__` files are around it, or in the one that
    it imports from, whether that has such files or not."""
    resolved = file.resolve()
    nodes = list(ast.walk(ast.parse(file.read_bytes(), str(resolved))))
    relative = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level]
    imports = tuple(dict.fromkeys(_absolute(nodes)))
    ups = [_regular(resolved), *(node.level for node in relative), _named(resolved, imports)]
    root = resolved.parents[min(max(ups), len(resolved.parents) - 1)]
    parts = list(resolved.relative_to(root).with_suffix("").parts)
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    inside = max(ups) > 0 and all(part.isidentifier() for part in parts)
    name = ".".join(parts) if inside else resolved.stem
    return PackagePlace(resolved, root if inside else None, name, bool(relative), imports)


def _absolute(nodes: Sequence[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _regular(file: Path) -> int:
    """How many folders with `__init__` files are around a file."""
    folders = iter(file.parents)
    return next(up for up, folder in enumerate(folders) if not (folder / "__init__.py").is_file())


def _named(file: Path, imports: Sequence[str]) -> int:
    """How many folders are around a file up to one that it imports from; 0: it does from none."""
    ups = [
        up
        for up, folder in enumerate(_of_project(file))
        if _holds_any(folder, [name for name in imports if _top(name) == _below(folder, file)])
    ]
    return max(ups, default=0)


def _below(folder: Path, file: Path) -> str:
    return file.relative_to(folder).parts[0]


def _top(name: str) -> str:
    return name.partition(".")[0]


def _holds_any(folder: Path, names: Sequence[str]) -> bool:
    """Whether a folder holds one of these modules, and nothing else is imported by its name."""
    for name in names:
        path = folder.joinpath(*name.split("."))
        if (path.is_dir() or path.with_suffix(".py").is_file()) and not _elsewhere(folder, name):
            return True
    return False


def _elsewhere(folder: Path, name: str) -> bool:
    """Whether what is imported by a name is found outside of a folder."""
    try:
        found = importlib.util.find_spec(_top(name))
    except (ValueError, ImportError):
        return False
    places = [found.origin, *(found.submodule_search_locations or ())] if found else []
    return any(place and not Path(place).is_relative_to(folder) for place in places)


def _of_project(file: Path) -> list[Path]:
    """The folders around a file, up to that of its project, or the working directory."""
    around = list(file.parents)
    ends = (
        up
        for up, folder in enumerate(around)
        if folder == Path.cwd() or any((folder / mark).exists() for mark in MARKS)
    )
    return around[: next(ends, _regular(file)) + 1]
