"""The implementations that a project names in its pyproject.toml,
under `[tool.rotcheck.implementations]`."""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rotcheck.convention import Convention
from rotcheck.errors import RequestError
from rotcheck.file_contents import toml

PYPROJECT = "pyproject.toml"
TABLE = "tool.rotcheck.implementations"
FIELDS = tuple(field.name for field in fields(Convention) if field.name not in ("ways", "choices"))
"""The fields of a convention that an entry may give."""

_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*(?<!\.py)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table: a name, the function that it stands for,
    and what it is said to follow."""

    name: str
    function: str  # package.module:function or path/to/file.py:function, from the working directory
    convention: Mapping[str, Any]  # fields of a convention; empty: it is identified
    folder: Path  # of the pyproject.toml: what modules are importable from

    @property
    def where(self) -> str:
        """How a message names it."""
        return _where(self.name)


def entries() -> dict[str, Entry]:
    """The entries of the nearest pyproject.toml, looking upwards from the working directory,
    by name.

    Raises `RequestError` for an entry that is malformed, which it names, and for invalid TOML.
    """
    file = _nearest()
    table = _table(file) if file else {}
    return {name: _entry(name, value, file.parent) for name, value in table.items()} if file else {}


def _nearest() -> Path | None:
    folders = (Path.cwd(), *Path.cwd().parents)
    return next((folder / PYPROJECT for folder in folders if (folder / PYPROJECT).is_file()), None)


def _table(file: Path) -> Mapping[str, Any]:
    try:
        table: Any = toml(file)
    except OSError as error:
        raise RequestError(f"{PYPROJECT} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RequestError(f"{PYPROJECT} is invalid TOML: {error}") from error
    for key in TABLE.split("."):
        table = table.get(key, {}) if isinstance(table, dict) else {}
    # a list says what `rotcheck preflight` must hold
    return table if isinstance(table, dict) else {}


def _entry(name: str, value: Any, folder: Path) -> Entry:
    if not _NAME.fullmatch(name):
        raise RequestError(
            f"{_where(name)}: a name has letters, digits, - and _, and does not end in .py"
        )
    fields = {"function": value} if isinstance(value, str) else value
    function = fields.get("function") if isinstance(fields, dict) else None
    if not isinstance(function, str) or ":" not in function:
        raise RequestError(
            f'{_where(name)}: must be "package.module:function" or "path/to/file.py:function", '
            f"or a table with such a `function`, not {value!r}"
        )
    convention = {key: fields[key] for key in fields if key != "function"}
    for key in convention:
        if key not in FIELDS:
            near = difflib.get_close_matches(key.replace("-", "_"), FIELDS, 1, 0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise RequestError(
                f"{_where(name)}: unknown key {key!r}; {hint}Known: function, {', '.join(FIELDS)}"
            )
    return Entry(name, _from_here(function, folder), convention, folder)


def _from_here(function: str, folder: Path) -> str:
    """A SPEC as seen from the working directory: the table gives paths from its own folder."""
    target, _, name = function.rpartition(":")
    is_path = target.endswith(".py") or "/" in target
    return f"{os.path.relpath(folder / target)}:{name}" if is_path else function


def _where(name: str) -> str:
    return f"{PYPROJECT}: {name!r} in [{TABLE}]"
