"""Which names stand for an implementation. None is imported, and so no torch."""

import difflib
import pkgutil
from pathlib import Path

from rotcheck.errors import RequestError
from rotcheck.implementations import entry_points, pyproject_entries, spec
from rotcheck.implementations.libraries.library_table import LIBRARIES

FOLDERS = ("builtin", "exhibits")
"""Each file of these is an implementation of rotcheck's own."""

_HERE = Path(__file__).parent


def names() -> list[str]:
    """The names of the implementations that run by default:
    rotcheck's own, and those of the project.

    Raises `RequestError` for an entry of the project's that names nothing.
    """
    return [*of_folder(), *of_project()]


def of_folder() -> list[str]:
    """The names of rotcheck's own that run by default."""
    return _of_files("builtin")


def of_project() -> dict[str, pyproject_entries.Entry]:
    """What the project's pyproject.toml names;
    raises `RequestError` for an entry that names nothing."""
    entries = pyproject_entries.entries()
    for entry in entries.values():
        if built_in(entry.name):
            raise RequestError(f"{entry.where}: rotcheck has one of that name; choose another")
        try:
            spec.check_path(entry.function)
        except RequestError as error:
            raise RequestError(f"{entry.where}: {error}") from error
    return entries


def exhibits() -> list[str]:
    """The names of rotcheck's own that run only when named."""
    return _of_files("exhibits")


def libraries() -> list[str]:
    """The names of the functions of libraries, which run only when named."""
    return sorted(LIBRARIES)


def of_packages() -> dict[str, str]:
    """What installed packages register, `package.module` or `package.module:function`, by name."""
    entries = entry_points.package_entries().targets
    return {name: target for name, target in entries.items() if not built_in(name)}


def everything() -> list[str]:
    """The names of all but the exhibits: the default ones, libraries',
    and those of installed packages."""
    return list(dict.fromkeys([*names(), *libraries(), *of_packages()]))


def built_in(name: str) -> bool:
    """Whether a name comes with rotcheck."""
    return name in LIBRARIES or any(name in _of_files(folder) for folder in FOLDERS)


def is_registered(name: str) -> bool:
    """Whether a name has a convention that it is registered with;
    one that stands for a function has none."""
    return name in LIBRARIES or module_of(name) is not None


def module_of(name: str) -> str | None:
    """The module that is an implementation by its name; None: there is none, as for a library's."""
    for folder in FOLDERS:
        if name in _of_files(folder):
            return f"rotcheck.implementations.{folder}.{name.replace('-', '_')}"
    if ":" in name or name in LIBRARIES or name in pyproject_entries.entries():
        return None
    target = of_packages().get(name, ":")
    return None if ":" in target else target


def check(specification: str) -> None:
    """Raise `RequestError` when this cannot name an implementation;
    an import may still find it missing.

    Accepted: a registered name, `package.module:function`, `path/to/file.py:function`.
    """
    if ":" in specification:
        spec.check_path(specification)
    elif not built_in(specification) and specification not in {*names(), *of_packages()}:
        spec.check_file_name(specification)
        raise RequestError(_unknown_name(specification))


def _unknown_name(name: str) -> str:
    names_known = [*names(), *exhibits(), *libraries(), *of_packages()]
    near = _nearest(name, names_known)
    hint = f"did you mean {near!r}? " if near else ""
    unread = "".join(f"; {reason}" for reason in entry_points.package_entries().unread)
    return (
        f"unknown implementation {name!r}; {hint}Known: {', '.join(names_known)}; "
        f"or your own as path/to/file.py:function or package.module:function{unread}"
    )


def _nearest(name: str, candidates: list[str]) -> str | None:
    path = spec.with_colon(name)
    if path and ".py:" in path:  # of a file that is there
        return path
    return next(iter(difflib.get_close_matches(name, candidates, 1, 0.5)), path)


def _of_files(folder: str) -> list[str]:
    modules = pkgutil.iter_modules([str(_HERE / folder)])
    return [module.name.replace("_", "-") for module in modules]
