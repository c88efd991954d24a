"""How a function's own file and package call it: the names of what they hand over."""

import ast
import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

MOST_FILES = 40  # of a package's folder that are read for calls


def names_passed(
    function: Callable[..., Any], parameters: Sequence[str], name: str
) -> Iterator[str]:
    """Yield the names of what the function's own file, and the files beside it,
    hand it as a parameter.

    `parameters`: those of all its parameters, in their order.
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
        yield from _names_in(call, parameters, name)


def _names_in(call: ast.Call, parameters: Sequence[str], name: str) -> Iterator[str]:
    at = parameters.index(name) if name in parameters else -1
    plain = not any(isinstance(argument, ast.Starred) for argument in call.args)
    values = [argument.value for argument in call.keywords if argument.arg == name]
    values += [call.args[at]] if plain and 0 <= at < len(call.args) else []
    for value in values:
        if isinstance(value, ast.Name):
            yield value.id
        elif isinstance(value, ast.Attribute):
            yield value.attr


@lru_cache(maxsize=256)
def _calls(file: Path, name: str) -> tuple[ast.Call, ...]:
    """The calls of a function by its name, in its file and in those of the same folder."""
    neighbours = (
        sorted(file.parent.glob("*.py"))[:MOST_FILES]
        if (file.parent / "__init__.py").exists()
        else []
    )
    calls: list[ast.Call] = []
    for path in dict.fromkeys((file, *neighbours)):
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if name in text:
            calls += _in(text, name)
    return tuple(calls)


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
