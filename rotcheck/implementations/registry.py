"""Which implementations there are, by the names of their files; imports none of them, and so no torch."""

import ast
import difflib
import pkgutil
import re
import tokenize
from pathlib import Path

from rotcheck.errors import RequestError

GIVEN = "_rotcheck_given_"  # in front of the module names of given files, so that they shadow nothing
_NOT_ONE = {"construct", "exhibits", "interface", "interpreter", "libraries", "load", "registry"}
_HERE = Path(__file__).parent
_ROTARY = re.compile(r"rot(?!ate_(half|every|neox|gptj))|rope|RoPE|Rope|freqs?_?cis|pos(ition)?_?emb|Rotary|apply_.*emb", re.ASCII)
_HELPER = re.compile(r"^_?(rotate_?(half|every|neox|gptj|interleaved|queries)|reshape_for|repeat_kv)|[Cc]onfig|Attention|Block|Model$")


def names() -> list[str]:
    """Return the names of the implementations that run by default."""
    return _names(_HERE)


def exhibits() -> list[str]:
    """Return the names of those that run only when named."""
    return _names(_HERE / "exhibits")


def module_of(name: str) -> str | None:
    """Return the module of a registered name, or None."""
    file = name.replace("-", "_")
    if name in names():
        return f"rotcheck.implementations.{file}"
    return f"rotcheck.implementations.exhibits.{file}" if name in exhibits() else None


def rotary_names(file: Path) -> list[str]:
    """Return the functions and classes of a Python file whose names speak of rotary embeddings, in its order.

    Helpers that rotate nothing by themselves, such as rotate_half, are left out. Raises `RequestError` for a file
    that cannot be parsed.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError) as error:
        raise RequestError(f"{str(file)!r} cannot be read as Python: {error}") from error
    named = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    return [name for name in named if _ROTARY.search(name) and not _HELPER.search(name)]


def expanded(specification: str) -> list[str]:
    """Return `file.py:function` for each rotary function of a `file.py`; any other specification as it is.

    Raises `RequestError` when the file has none.
    """
    if not specification.endswith(".py") or specification in names() + exhibits():
        return [specification]
    _check_file(specification, Path(specification))
    found = rotary_names(Path(specification))
    if not found:
        raise RequestError(
            f"{specification!r} has no function or class whose name speaks of rotary embeddings: "
            f"name the one that is meant, as {specification}:function"
        )
    return [f"{specification}:{name}" for name in found]


def check(specification: str) -> None:
    """Raise `RequestError` when this cannot name an implementation; an import may still find it missing.

    Accepted: a registered name, `package.module:function`, `path/to/file.py:function`.
    """
    target, colon, function = specification.rpartition(":")
    if not colon:
        _check_name(specification)
    elif not all(part.isidentifier() for part in function.split(".")):
        raise RequestError(
            f"{specification!r}: behind the colon must stand a function's name, not {function!r}"
        )
    elif target.endswith(".py") or "/" in target or _is_file(Path(target)):
        _check_file(specification, Path(target))
    elif not all(part.isidentifier() for part in target.split(".")):
        raise RequestError(f"{specification!r}: {target!r} is neither a module's name nor a .py file")


def _check_name(name: str) -> None:
    known = names() + exhibits()
    if name in known:
        return
    if name.endswith(".py"):
        raise RequestError(f"{name!r} names a file and no function in it: write {name}:function")
    near = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise RequestError(
        f"unknown implementation {name!r}; {hint}Known: {', '.join(known)}; "
        "or your own as path/to/file.py:function or package.module:function"
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long to be one
        return False


def _check_file(specification: str, file: Path) -> None:
    if not _is_file(file):
        raise RequestError(f"{specification!r}: there is no file {str(file)!r}")
    if file.suffix != ".py":
        raise RequestError(f"{specification!r}: {str(file)!r} is no Python file; its name must end in .py")
    try:
        with tokenize.open(file) as source:  # in the encoding that its first lines name
            text = source.read()
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise RequestError(f"{specification!r}: {str(file)!r} cannot be read as Python: {error}") from error
    if "\0" in text:
        raise RequestError(f"{specification!r}: {str(file)!r} cannot be read as Python: it holds NUL bytes")


def _names(folder: Path) -> list[str]:
    return [
        module.name.replace("_", "-")
        for module in pkgutil.iter_modules([str(folder)])
        if module.name not in _NOT_ONE
    ]
