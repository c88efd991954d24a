"""Inside a worker: the other files of a package that use a class or function of one of its files.

They are read and not run. Of each comes a module with what can be told without running it: numbers
and texts, and classes of configurations with their defaults.
"""

import ast
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import is_named
from rotcheck.implementations.package_place import place_of
from rotcheck.implementations.rotary_code import FunctionNode, snake_case

MOST_FILES = 300  # of a package: those next to the file first
_PLAIN = (
    *(ast.Constant, ast.UnaryOp, ast.BinOp, ast.Tuple, ast.List, ast.Dict, ast.Load),
    *(ast.operator, ast.unaryop),
)


@dataclass(frozen=True, slots=True)
class CallerFile:
    """A file that uses a class or function of another, by which name, and its plain values."""

    file: Path
    name: str
    module: ModuleType
    tree: ast.Module


def caller_files(module: ModuleType, name: str) -> Iterator[CallerFile]:
    """The files of the package around a module that import a name from it, nearest first."""
    file, used = getattr(module, "__file__", None), getattr(module, name, None)
    place = place_of(Path(file)) if file and file.endswith(".py") else None
    if place is None or place.root is None:
        return
    reading = _Package(place.root, place.file)
    for caller in _nearest(place.file, place.root / place.name.partition(".")[0]):
        tree = _tree(caller) if caller != place.file and name in _text(caller) else None
        local = reading.name_in(caller, tree, name) if tree else None
        if tree and local:
            stand_in = reading.stand_in(caller, tree)
            setattr(stand_in, local, used)
            yield CallerFile(caller, local, stand_in, tree)


def _nearest(file: Path, top: Path) -> list[Path]:
    """The Python files of a package, those in the folder of one of them first."""
    found: dict[Path, None] = {}
    for folder in file.parents:
        if len(found) >= MOST_FILES or not folder.is_relative_to(top):
            break
        found.update(dict.fromkeys(sorted(folder.rglob("*.py"))))
    return list(found)[:MOST_FILES]


@lru_cache(maxsize=2 * MOST_FILES)
def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def _tree(file: Path) -> ast.Module | None:
    try:
        return ast.parse(_text(file))
    except (SyntaxError, ValueError):
        return None


class _Package:
    """Reads the imports of a package's files: where a name in one of them comes from."""

    def __init__(self, root: Path, file: Path) -> None:
        self._root, self._file = root, file

    def name_in(self, caller: Path, tree: ast.Module, name: str) -> str | None:
        """What a caller calls a name of the file; None: it does not import that."""
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                local = {alias.name: alias.asname or alias.name for alias in node.names}
                if name in local and self._leads_here(self._source(caller, node), name):
                    return local[name]
                beside = self._source(caller, node, self._file.stem)
                if self._file.stem in local and beside == self._file:
                    return name  # as an attribute of the module
        return None

    def _leads_here(self, source: Path | None, name: str) -> bool:
        """Whether a name of a file is that of the file in question, perhaps by one import more."""
        if source is None or source == self._file:
            return source is not None
        nodes = ast.walk(_tree(source) or ast.Module([], []))
        return any(
            isinstance(node, ast.ImportFrom)
            and any(alias.name in (name, "*") for alias in node.names)
            and self._source(source, node) == self._file
            for node in nodes
        )

    def _source(self, importer: Path, node: ast.ImportFrom, below: str = "") -> Path | None:
        """The file that an import names, in the package or beside the importer."""
        bases = [importer.parents[node.level - 1]] if node.level else [self._root, importer.parent]
        parts = [*(node.module or "").split("."), below]
        for base in bases:
            path = base.joinpath(*filter(None, parts))
            for file in (path.with_suffix(".py"), path / "__init__.py"):
                if file.is_file():
                    return file
        return None

    def stand_in(self, caller: Path, tree: ast.Module) -> ModuleType:
        """A module with the plain values and the configurations of a file."""
        stand_in = ModuleType(caller.stem)
        vars(stand_in).update(_values(tree.body), math=math)
        vars(stand_in).update(_configurations(tree, caller.stem))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                names = {alias.name: alias.asname or alias.name for alias in node.names}
                configurations = [name for name in names if _is_configuration(name)]
                source = self._source(caller, node) if configurations else None
                kinds = _configurations(_tree(source), caller.stem) if source else {}
                vars(stand_in).update(
                    {names[name]: kinds[name] for name in configurations if name in kinds}
                )
        return stand_in


def _is_configuration(name: str) -> bool:
    return is_named(snake_case(name), vocabulary.CONFIGURATION)


def _configurations(tree: ast.Module | None, of: str) -> dict[str, type]:
    """The configurations that a file defines, each a class that holds its defaults."""
    kinds: dict[str, type] = {}
    for node in tree.body if tree else ():
        if isinstance(node, ast.ClassDef) and _is_configuration(node.name):
            bases = [kinds[ast.unparse(base)] for base in node.bases if ast.unparse(base) in kinds]
            values = {**_values(node.body), **_defaults(node), "__module__": of}
            kinds[node.name] = type(node.name, tuple(bases), values)
    return kinds


def _defaults(node: ast.ClassDef) -> dict[str, Any]:
    """The defaults of what a class is built with."""
    builds = (part for part in node.body if isinstance(part, FunctionNode))
    arguments = next((part.args for part in builds if part.name == "__init__"), None)
    if arguments is None:
        return {}
    places = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(reversed(places), reversed(arguments.defaults)),
        *zip(arguments.kwonlyargs, arguments.kw_defaults),
    ]
    return {place.arg: _value(value) for place, value in pairs if value and _is_plain(value)}


def _values(body: list[ast.stmt]) -> dict[str, Any]:
    """The names that are given plain values."""
    values: dict[str, Any] = {}
    for statement in body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        value = getattr(statement, "value", None)
        if value is not None and _is_plain(value):
            values |= {part.id: _value(value) for part in targets if isinstance(part, ast.Name)}
    return values


def _is_plain(value: ast.expr) -> bool:
    return all(isinstance(part, _PLAIN) for part in ast.walk(value))


def _value(value: ast.expr) -> Any:
    try:
        return eval(compile(ast.Expression(value), "<the file>", "eval"), {})
    except (ArithmeticError, TypeError, ValueError, MemoryError):
        return None
