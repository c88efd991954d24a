"""How a function's own file and package call it: the names of what they hand over."""

import ast
import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

MOST_FILES = 40  # of a package's folder that are read for calls


def names_passed(function: Callable[..., Any], names: Sequence[str], name: str) -> Iterator[str]:
    """Yield the names of what the function's own file, and the files beside it, hand it as a parameter.

    `names`: those of all its parameters, in their order.
    """
    if not inspect.isroutine(function):  # an object is called by whatever name it has there
        return
    try:
        file = inspect.getsourcefile(inspect.unwrap(function))
    except (TypeError, ValueError):
        return
    if file is None:
        return
    for call in _calls(Path(file), function.__name__):
        yield from _handed(call, names, name)


def _handed(call: ast.Call, named: Sequence[str], name: str) -> Iterator[str]:
    at = named.index(name) if name in named else -1
    plain = not any(isinstance(one, ast.Starred) for one in call.args)
    values = [one.value for one in call.keywords if one.arg == name]
    values += [call.args[at]] if plain and 0 <= at < len(call.args) else []
    for value in values:
        if isinstance(value, ast.Name):
            yield value.id
        elif isinstance(value, ast.Attribute):
            yield value.attr


@lru_cache(maxsize=256)
def _calls(file: Path, name: str) -> tuple[ast.Call, ...]:
    """Return the calls of a function by its name, in its file and in those of the same folder."""
    beside = (
        sorted(file.parent.glob("*.py"))[:MOST_FILES]
        if (file.parent / "__init__.py").exists()
        else []
    )
    found: list[ast.Call] = []
    for each in dict.fromkeys((file, *beside)):
        try:
            text = each.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if name in text:
            found += _in(text, name)
    return tuple(found)


def _in(text: str, name: str) -> list[ast.Call]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [
        call
        for call in calls
        if (getattr(call.func, "id", "") or getattr(call.func, "attr", "")) == name
    ]
