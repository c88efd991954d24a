"""The policy: what must hold before a job starts. Read from TOML, each mistake in it named."""

import difflib
import math
from collections.abc import Mapping
from os.path import normpath
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from rotcheck.errors import RequestError
from rotcheck.file_contents import toml
from rotcheck.scrub import scrub

TABLE = "[tool.rotcheck]"
PYPROJECT = "pyproject.toml"
LISTS = ("implementations", "devices", "dtypes", "checks", "may-be-unavailable", "files", "makers")
KEYS = (*LISTS, "context", "full", "timeout")
CONTEXT_KEYS = ("to", "dtypes")


class ContextPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How far files and makers must be right, and in which dtypes."""

    to: int | None = None  # positions; None: as many as each claims, else 4096
    dtypes: tuple[str, ...] = ("bfloat16",)


class Policy(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What must hold; an empty list means what `compare` takes by default."""

    implementations: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    full: bool = False  # all checks, not only the quick ones
    may_be_unavailable: tuple[str, ...] = ()  # implementations and devices
    files: tuple[str, ...] = ()  # all rotary functions in them must be right
    # single functions and classes that must be, as path/to/file.py:Class
    makers: tuple[str, ...] = ()
    context: ContextPolicy = ContextPolicy()  # how far
    timeout: float = 20.0  # seconds for one cell
    source: str = "built in"  # where it was read

    def public(self) -> "Policy":
        """The policy without the paths of this machine, fit for a report."""
        keys = ("implementations", "may_be_unavailable", "files", "makers")
        names = {key: getattr(self, key) for key in keys}
        return replace(self, **{key: tuple(map(scrub, value)) for key, value in names.items()})

    def excuses(self, implementation: str, device: str) -> bool:
        """Whether either may be unavailable; `cuda` names every cuda device."""
        return any(
            alike(name, implementation) or name in (device, device.partition(":")[0])
            for name in self.may_be_unavailable
        )


def alike(first: str, second: str) -> bool:
    """Whether two names mean one implementation; of a path, reports give only its last parts."""
    first, second = f"/{normpath(first)}", f"/{normpath(second)}"
    return first.endswith(second) or second.endswith(first)


DEFAULT = Policy(implementations=("native", "fallback"))


def load(file: str | None) -> Policy:
    """Read the policy of this file, else of the nearest pyproject.toml that has one, else take the
    default.

    Raises `RequestError` when a file cannot be read or says what is no policy.
    """
    if file is not None:
        return _of_file(file)
    for folder in (Path.cwd(), *Path.cwd().parents):
        candidate = folder / PYPROJECT
        table = _table(_read(candidate, PYPROJECT)) if candidate.is_file() else None
        if table is not None:
            return _policy(table, PYPROJECT, folder)
    return DEFAULT


def _of_file(file: str) -> Policy:
    """Read the policy of a file that was named."""
    if not file.strip():
        hint = f"leave it out to take that of {PYPROJECT}"
        raise RequestError(f"--policy {file!r} is not a file; {hint}")
    document = _read(Path(file), file)
    table = _table(document) if "tool" in document else document
    if table is None:
        raise RequestError(f"{file}: there is no table {TABLE}")
    return replace(_policy(table, file, Path(file).parent), source=Path(file).name)


def _table(document: dict[str, Any]) -> Any:
    """What the file has under [tool.rotcheck], or None."""
    tools = document.get("tool")
    return tools.get("rotcheck") if isinstance(tools, dict) else None


def _read(path: Path, name: str) -> dict[str, Any]:
    try:
        return toml(path)
    except OSError as error:
        raise RequestError(f"{name}: the policy cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RequestError(f"{name}: invalid TOML: {error}") from error


def _policy(table: Any, source: str, folder: Path) -> Policy:
    if not isinstance(table, Mapping):
        raise RequestError(f"{source}: {TABLE} must be a table")
    for key in table:
        if key not in KEYS:
            raise _unknown_key(key, source)
    lists = {key: _names(key, table[key], source) for key in LISTS if key in table}
    timeout, full = table.get("timeout", DEFAULT.timeout), table.get("full", False)
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    is_time = is_number and math.isfinite(timeout) and timeout > 0
    form = "a finite number of seconds above 0"
    _require(is_time, f"{source}: timeout in {TABLE}", form, timeout)
    has_files = "files" in lists or "makers" in lists
    lists.setdefault("implementations", () if has_files else DEFAULT.implementations)
    for key in ("implementations", "files", "makers"):
        lists[key] = tuple(_found_from(folder, name) for name in lists.get(key, ()))
    fields = {key.replace("-", "_"): value for key, value in lists.items()}
    _require(isinstance(full, bool), f"{source}: full in {TABLE}", "true or false", full)
    context = _context(table.get("context"), source, has_files=has_files)
    return Policy(**fields, context=context, full=full, timeout=float(timeout), source=source)


def _context(value: Any, source: str, *, has_files: bool) -> ContextPolicy:
    if value is None:
        return ContextPolicy()
    where = f"{source}: context in {TABLE}"
    example = '{ to = 32768, dtypes = ["bfloat16"] }'
    _require(isinstance(value, Mapping), where, f"a table, as {example}", value)
    for key in value:
        if key not in CONTEXT_KEYS:
            raise RequestError(
                f"{where} has the unknown key {key!r}; Known: {', '.join(CONTEXT_KEYS)}"
            )
    if not has_files:
        raise RequestError(
            f"{where} says how far files and makers must be right: name some under `files` or `makers`"
        )
    to = value.get("to")
    is_count = isinstance(to, int) and not isinstance(to, bool) and to >= 1
    _require(to is None or is_count, f"{where}: to", "a number of positions above 0", to)
    lists = {"dtypes": _names("dtypes", value["dtypes"], source)} if "dtypes" in value else {}
    return ContextPolicy(to=to, **lists)


def _require(holds: bool, where: str, form: str, value: Any) -> None:
    """Raise `RequestError` for a value that is not of the form it must have."""
    if not holds:
        raise RequestError(f"{where} must be {form}, not {value!r}")


def _found_from(folder: Path, name: str) -> str:
    """The implementation; the path of a file is taken from the policy's folder."""
    target, colon, function = name.rpartition(":") if not name.endswith(".py") else (name, "", "")
    is_path = target.endswith(".py") or "/" in target
    return f"{folder / target}{colon}{function}" if is_path else name


def _unknown_key(key: str, source: str) -> RequestError:
    near = difflib.get_close_matches(key.replace("_", "-"), KEYS, 1, 0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return RequestError(
        f"{source}: {TABLE} has the unknown key {key!r}; {hint}Known: {', '.join(KEYS)}"
    )


def _names(key: str, value: Any, source: str) -> tuple[str, ...]:
    if key == "implementations" and isinstance(value, dict):
        value = list(value)  # the project's own, each under its name: these must hold
    are_names = isinstance(value, list) and all(
        isinstance(name, str) and name.strip() for name in value
    )
    _require(are_names, f"{source}: {key} in {TABLE}", 'a list of names, as ["native"]', value)
    if not value and key != "may-be-unavailable":
        raise RequestError(f"{source}: {key} in {TABLE} is empty; leave it out to mean the default")
    return tuple(name.strip() for name in value)
