"""The text of a SPEC that is no registered name:
what it must look like, and which functions a file stands for."""

import ast
import os
import shlex
from collections.abc import Callable
from pathlib import Path

from rotcheck.errors import RequestError
from rotcheck.file_contents import contents, parsed, python
from rotcheck.implementations import rotary_code

MOST_NAMES = 10  # of a file that a message lists
# in front of the module names of files that a SPEC names, so that they shadow nothing
MODULE_PREFIX = "_rotcheck_given_"


class NothingRotary(RequestError):
    """A file that is there has nothing whose name speaks of rotary embeddings."""


def expand(spec: str) -> list[str]:
    """`file.py:function` for each rotary function of a `file.py`; any other SPEC as it is.

    Of a class of a file that cannot be called, the methods that are meant: `file.py:Class.method`.
    Raises `RequestError` for a file that cannot be read, `NothingRotary` for one that has none.
    """
    place, _, name = spec.rpartition(":")
    if place.endswith(".py") and name.isidentifier() and is_file(Path(place)):
        return [f"{place}:{function}" for function in _functions_of(Path(place), name)]
    if not spec.endswith(".py"):
        return [spec]
    _check_file(spec, Path(spec))
    module = tree(Path(spec))
    functions = rotary_code.rotary(module)
    if not functions:
        raise NothingRotary(_nothing_rotary(spec, rotary_code.definitions(module)))
    return [f"{spec}:{function}" for function in functions]


def _functions_of(file: Path, name: str) -> list[str]:
    """What is meant by a name of a file; the name itself where the file cannot be read,
    which others report."""
    try:
        return rotary_code.instead(tree(file), name)
    except RequestError:
        return [name]


def _nothing_rotary(spec: str, names: list[str]) -> str:
    if not names:
        return f"{spec!r} defines no function and no class"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return (
        f"{spec!r} has no function or class with a rotary name: name the one "
        f"that you mean, as {spec}:{names[0]}; it has {', '.join(names[:MOST_NAMES])}{more}"
    )


def check_path(spec: str) -> None:
    """Raise `RequestError` when a text with a colon names no function;
    an import may still find it missing."""
    place, _, function = spec.rpartition(":")
    if place.endswith(":"):
        right_form = f"{place.rstrip(':')}:{function}"
        raise RequestError(f"{spec!r} has two colons; did you mean {right_form!r}?")
    if "(" in function:
        raise RequestError(
            f"{spec!r}: expected a function name after ':', not the call {function!r}; name a "
            f"function without parameters that makes it: def build(): return {function}"
        )
    if not all(part.isidentifier() for part in function.split(".")):
        raise RequestError(f"{spec!r}: expected a function name after ':', not {function!r}")
    if place.endswith(".py") or "/" in place or is_file(Path(place)):
        _check_file(spec, Path(place))
    elif not all(part.isidentifier() for part in place.split(".")):
        raise RequestError(f"{spec!r}: {place!r} is neither a module name nor a .py file")


def check_file_name(text: str) -> None:
    """Raise `RequestError` for a text without a colon that is the path of a file or folder,
    or looks like one."""
    if text.endswith(".py"):
        raise RequestError(f"{text!r} names a file and no function in it: write {text}:function")
    if "/" in text or (text and _answer(Path.exists, Path(text))):
        _check_file(text, Path(text))


def with_colon(text: str) -> str | None:
    """The SPEC that `module.function` was meant to be, if it is a dotted name."""
    parts = text.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        return None
    file = Path(*parts[:-1]).with_suffix(".py")
    place = file.as_posix() if is_file(file) else ".".join(parts[:-1])
    return f"{place}:{parts[-1]}"


def tree(file: Path) -> ast.Module:
    """A Python file, parsed; raises `RequestError` for one that cannot be."""
    try:
        return parsed(file)
    except SyntaxError as error:
        line = f": {error.text.strip()}" if error.text else ""
        reason = f"{error.msg}, line {error.lineno}{line}"
        raise RequestError(f"{str(file)!r} cannot be read as Python: {reason}") from error
    except (ValueError, OSError) as error:
        reason = _why_unreadable(error)
        raise RequestError(f"{str(file)!r} cannot be read as Python: {reason}") from error


def is_file(path: Path) -> bool:
    """Whether there is such a file; one whose name is too long is none."""
    return _answer(Path.is_file, path)


def _answer(question: Callable[[Path], bool], path: Path) -> bool:
    try:
        return question(path)
    except OSError:  # a name too long to be one
        return False


def _check_file(spec: str, file: Path) -> None:
    prefix = "" if spec == str(file) else f"{spec!r}: "
    if not is_file(file):
        raise RequestError(f"{prefix}there is no file {str(file)!r}{_what_is_there(file)}")
    if file.suffix != ".py":
        raise RequestError(f"{prefix}{str(file)!r} is not a Python file; its name must end in .py")
    try:
        text = python(contents(file))
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        reason = _why_unreadable(error)
        raise RequestError(f"{prefix}{str(file)!r} cannot be read as Python: {reason}") from error
    if "\0" in text:
        raise RequestError(f"{prefix}{str(file)!r} cannot be read as Python: it has NUL bytes")


def _what_is_there(path: Path) -> str:
    if _answer(Path.is_dir, path):
        return f": it is a folder; name a file in it, as {path}/file.py"
    if _answer(Path.exists, path):
        return ": it is a pipe, a device or a socket"
    return ": it is a broken link" if _answer(Path.is_symlink, path) else ""


def _why_unreadable(error: Exception) -> str:
    """Why a text cannot be decoded, without the file's name, which Python adds to some reasons."""
    unknown_encoding = "invalid or missing encoding declaration"
    if isinstance(error, SyntaxError) and str(error).startswith(unknown_encoding):
        return "it is not UTF-8, and its first two lines name no other encoding"
    return getattr(error, "strerror", None) or str(error)


def as_typed(specification: str) -> str:
    """A specification as a user would type it here."""
    file, colon, name = specification.rpartition(":")
    if file.endswith(".py") and os.path.isabs(file):
        return f"{Path(os.path.relpath(file)).as_posix()}{colon}{name}"
    return specification


def shell_word(specification: str) -> str:
    """A specification, or the path of a file, quoted for a shell."""
    return shlex.quote(as_typed(specification))
