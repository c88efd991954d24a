"""Which implementations there are, by the names of their files; imports none of them, and so no torch."""

import ast
import difflib
import pkgutil
from collections.abc import Callable
from pathlib import Path

from rotcheck.errors import RequestError
from rotcheck.file_contents import contents, parsed, python
from rotcheck.implementations import entry_points, pyproject_entries, rotary_code

MOST_NAMES = 10  # of a file that a message lists
# in front of the module names of given files, so that they shadow nothing
GIVEN = "_rotcheck_given_"
FOLDERS = ("builtin", "exhibits", "libraries")
"""Each file of these is an implementation of its own."""

_HERE = Path(__file__).parent


class NothingRotary(RequestError):
    """A file that is there has nothing whose name speaks of rotary embeddings."""


def names() -> list[str]:
    """Return the names of the implementations that run by default: rotcheck's own, and those of the project.

    Raises `RequestError` for an entry of the project's that names nothing.
    """
    return [*of_folder(), *of_project()]


def of_folder() -> list[str]:
    """Return the names of rotcheck's own that run by default."""
    return _names("builtin")


def of_project() -> dict[str, pyproject_entries.Entry]:
    """Return what the project's pyproject.toml names; raises `RequestError` for an entry that names nothing."""
    found = pyproject_entries.entries()
    for entry in found.values():
        if built_in(entry.name):
            raise RequestError(f"{entry.where}: rotcheck has one of that name; choose another")
        try:
            check(entry.function)
        except RequestError as error:
            raise RequestError(f"{entry.where}: {error}") from error
    return found


def exhibits() -> list[str]:
    """Return the names of those that run only when named."""
    return _names("exhibits")


def libraries() -> list[str]:
    """Return the names of the functions of libraries, which run only when named."""
    return _names("libraries")


def of_packages() -> dict[str, str]:
    """Return what installed packages register, `package.module` or `package.module:function`, by name."""
    return {
        name: target
        for name, target in entry_points.registered().targets.items()
        if not built_in(name)
    }


def everything() -> list[str]:
    """Return the names of all but the exhibits: the default ones, libraries', and those of installed packages."""
    return list(dict.fromkeys([*names(), *libraries(), *of_packages()]))


def built_in(name: str) -> str | None:
    """Return the module of one of rotcheck's own names, or None."""
    file = name.replace("-", "_")
    for folder in FOLDERS:
        if name in _names(folder):
            return f"rotcheck.implementations.{folder}.{file}"
    return None


def module_of(name: str) -> str | None:
    """Return the module of a registered name, or None: for a name that stands for a function, too."""
    own = built_in(name)
    if own or ":" in name or name in pyproject_entries.entries():
        return own
    target = of_packages().get(name, ":")
    return None if ":" in target else target


def rotary_names(file: Path) -> list[str]:
    """Return what of a Python file is rotary code by its names: functions, classes, and methods as `Class.method`.

    Helpers that rotate nothing by themselves, such as rotate_half, are left out. Raises `RequestError` for a file
    that cannot be parsed.
    """
    return rotary_code.rotary(tree(file))


def tree(file: Path) -> ast.Module:
    """Return a Python file as parsed; raises `RequestError` for one that cannot be."""
    try:
        return parsed(file)
    except SyntaxError as error:
        line = f": {error.text.strip()}" if error.text else ""
        where = f"line {error.lineno}{line}"
        raise RequestError(
            f"{str(file)!r} cannot be read as Python: {error.msg}, {where}"
        ) from error
    except (ValueError, OSError) as error:
        raise RequestError(
            f"{str(file)!r} cannot be read as Python: {_unreadable(error)}"
        ) from error


def expanded(specification: str) -> list[str]:
    """Return `file.py:function` for each rotary function of a `file.py`; any other specification as it is.

    Of a class of a file that cannot be called the methods that are meant, `file.py:Class.method`. Raises
    `RequestError` when the file has none.
    """
    target, _, name = specification.rpartition(":")
    if target.endswith(".py") and name.isidentifier() and _is(Path.is_file, Path(target)):
        return [f"{target}:{each}" for each in _instead(Path(target), name)]
    if not specification.endswith(".py") or specification in names() + exhibits():
        return [specification]
    _check_file(specification, Path(specification))
    found = rotary_names(Path(specification))
    if not found:
        every = rotary_code.defined(tree(Path(specification)))
        if not every:
            raise NothingRotary(f"{specification!r} defines no function and no class")
        more = f" and {len(every) - MOST_NAMES} more" if len(every) > MOST_NAMES else ""
        raise NothingRotary(
            f"{specification!r} has no function or class whose name speaks of rotary embeddings: "
            f"name the one that is meant, as {specification}:{every[0]}; it has {', '.join(every[:MOST_NAMES])}{more}"
        )
    return [f"{specification}:{name}" for name in found]


def _instead(file: Path, name: str) -> list[str]:
    """Return what is meant by a name of a file; the name itself where the file cannot be read, which others tell."""
    try:
        return rotary_code.instead(tree(file), name)
    except RequestError:
        return [name]


def check(specification: str) -> None:
    """Raise `RequestError` when this cannot name an implementation; an import may still find it missing.

    Accepted: a registered name, `package.module:function`, `path/to/file.py:function`.
    """
    target, colon, function = specification.rpartition(":")
    if not colon:
        _check_name(specification)
    elif not all(part.isidentifier() for part in function.split(".")):
        build = f"; to build it so, name a function of no argument: def build(): return {function}"
        raise RequestError(
            f"{specification!r}: expected a function's name after ':', not {function!r}{build * ('(' in function)}"
        )
    elif target.endswith(".py") or "/" in target or _is(Path.is_file, Path(target)):
        _check_file(specification, Path(target))
    elif not all(part.isidentifier() for part in target.split(".")):
        raise RequestError(
            f"{specification!r}: {target!r} is neither a module's name nor a .py file"
        )


def _check_name(name: str) -> None:
    if built_in(name):
        return
    known = [*names(), *exhibits(), *libraries()]
    if name in known or name in of_packages():
        return
    if name.endswith(".py"):
        raise RequestError(f"{name!r} names a file and no function in it: write {name}:function")
    if "/" in name or (name and _is(Path.exists, Path(name))):
        _check_file(name, Path(name))
    known += of_packages()
    unread = "".join(f"; {words}" for words in entry_points.registered().unread)
    near = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise RequestError(
        f"unknown implementation {name!r}; {hint}Known: {', '.join(known)}; "
        f"or your own as path/to/file.py:function or package.module:function{unread}"
    )


def is_file(path: Path) -> bool:
    """Return whether there is such a file; one whose name is too long is none."""
    return _is(Path.is_file, path)


def _is(question: Callable[[Path], bool], path: Path) -> bool:
    try:
        return question(path)
    except OSError:  # a name too long to be one
        return False


def _check_file(specification: str, file: Path) -> None:
    asked = "" if specification == str(file) else f"{specification!r}: "
    if not _is(Path.is_file, file):
        raise RequestError(f"{asked}there is no file {str(file)!r}{_what_is_there(file)}")
    if file.suffix != ".py":
        raise RequestError(f"{asked}{str(file)!r} is no Python file; its name must end in .py")
    try:
        text = python(contents(file))
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise RequestError(
            f"{asked}{str(file)!r} cannot be read as Python: {_unreadable(error)}"
        ) from error
    if "\0" in text:
        raise RequestError(f"{asked}{str(file)!r} cannot be read as Python: it holds NUL bytes")


def _what_is_there(file: Path) -> str:
    """Return what there is of that name."""
    if _is(Path.is_dir, file):
        return f": it is a folder; name a file in it, as {file}/file.py"
    if _is(Path.exists, file):
        return ": it is a pipe, a device or a socket"
    return ": it is a link that leads nowhere" if _is(Path.is_symlink, file) else ""


def _unreadable(error: Exception) -> str:
    """Return why a text cannot be decoded, without the file's name, which Python adds to some reasons."""
    if isinstance(error, SyntaxError) and str(error).startswith(
        "invalid or missing encoding declaration"
    ):
        return "it is not UTF-8, and its first two lines name no other encoding"
    return getattr(error, "strerror", None) or str(error)


def _names(folder: str) -> list[str]:
    modules = pkgutil.iter_modules([str(_HERE / folder)])
    return [module.name.replace("_", "-") for module in modules]
