"""The words that an argument may be, of a function that compares it with words:
`if layout == "bshd"`."""

import ast
import inspect
import textwrap
import typing
from collections.abc import Callable, Iterator
from typing import Any

from rotcheck.convention import LAYOUTS

USUAL = "bshd"  # what is not compared with is the usual layout


def choices(function: Callable[..., Any], name: str, kind: object) -> tuple[str, ...]:
    """What an argument may be, as Python, by its annotation or by what
    the function compares it with."""
    if typing.get_origin(kind) is typing.Literal:
        words = [literal for literal in typing.get_args(kind) if isinstance(literal, str)]
    else:
        words = list(_words_compared_with(function, name)) if kind in (str, "str") else []
    if USUAL not in words and any(word in LAYOUTS for word in words):
        words.insert(0, USUAL)
    return tuple(dict.fromkeys(map(repr, words)))


def _words_compared_with(function: Callable[..., Any], name: str) -> Iterator[str]:
    routine = getattr(function, "forward", function)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(routine))))
    except (OSError, TypeError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and name in {
            part.id for part in ast.walk(node) if isinstance(part, ast.Name)
        }:
            constants = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
            yield from (part for part in constants if isinstance(part, str))
