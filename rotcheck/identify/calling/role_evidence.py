"""Does anything speak for what an argument is: its name, its annotation, its docstring, or who calls the function?"""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from rotcheck.convention import role_of
from rotcheck.convention.vocabulary import TOTAL, said
from rotcheck.identify.calling.argument_names import ANY_ROLE, roles
from rotcheck.identify.calling.call_sites import names_passed
from rotcheck.identify.calling.templates import Parameter, Template, parameters

FIRST_WORDS = 4  # of what a docstring says of a parameter
_AGAIN = re.compile(
    r"(^|_)(re|un|de)_?(rot(?!ated)|rope)|remap|(^|_)(shift|delta)(_|$)|(^|_)(old|kept|selected)_.*pos"
)
_CONSTANT = re.compile(r"True|False|None|-?\d.*|device")
_OFFSETS = ("offset", "offsets", "positions")
_ALIKE = {"x": ("x", "q", "k", "v"), "q": ("q", "x"), "offset": ("offset", "S")}


def arguments_without_evidence(function: Callable[..., Any], template: Template) -> list[str]:
    """Return the arguments of a call for whose role nothing speaks, by name; of one that names none, their places."""
    known = parameters(function)
    if known is None:
        return [f"argument {at}" for at, _ in enumerate(template, 1)]
    by_name = {one.name: one for one in known}
    found = []
    for at, argument in enumerate(template):
        name = argument.rpartition("=")[0]
        one = by_name.get(name) if name else known[at] if at < len(known) else None
        if one is None:
            found.append(name or f"argument {at + 1}")
        elif role_of(argument).startswith("'"):  # a word that the function itself compares it with
            continue
        elif not _speaks(one, role_of(argument), function):
            found.append(one.name)
    return found


def _speaks(parameter: Parameter, role: str, function: Callable[..., Any]) -> bool:
    kind = None if parameter.kind in (int, "int") else parameter.kind
    if _CONSTANT.fullmatch(role) and (
        not parameter.required or kind in (bool, "bool", float, "float")
    ):
        return True
    words = (
        parameter.name,
        *_described(function, parameter.name),
        *names_passed(function, [one.name for one in parameters(function) or ()], parameter.name),
    )
    if role in _OFFSETS and said(parameter.name, TOTAL):
        words = words[
            1:
        ]  # the new rows may be a part of them: that it is an offset, something else has to say
    return any(_fits(word, kind, role) for word in words)


def _fits(word: str, kind: object, role: str) -> bool:
    known = roles(word, kind)
    if _CONSTANT.fullmatch(role):
        return known is not ANY_ROLE and role in known
    return known is not ANY_ROLE and bool({*_ALIKE.get(role, (role,))} & {*known})


def rotates_again(function: Callable[..., Any]) -> bool:
    """Return whether a function, by its names, moves what was rotated before by a difference of positions."""
    own = getattr(function, "__name__", type(function).__name__)
    names = (own, *(one.name for one in parameters(function) or ()))
    return any(_AGAIN.search(name.lower()) for name in names)


def documentation(function: Callable[..., Any]) -> str:
    """Return what is written about a function or an object: its docstrings, nearest first."""
    own = getattr(function, "__self__", function)
    if inspect.isroutine(own):
        parts: list[Any] = [own]
    else:
        parts = [
            function if function is not own else getattr(own, "forward", type(own).__call__),
            type(own),
        ]
    texts = [inspect.getdoc(part) or "" for part in parts]
    return "\n".join(dict.fromkeys(text for text in texts if not text.startswith(_OF_TORCH)))


_OF_TORCH = (
    "Define the computation performed",
    "Base class for all neural network",
    "Call self as a function",
)


def _described(function: Callable[..., Any], name: str) -> Iterator[str]:
    """Yield the words of the docstring's line about a parameter."""
    line = re.search(
        rf"^[\s:`*\-]*(?:param\s+)?{re.escape(name)}`?\b[^\n]*",
        documentation(function),
        re.MULTILINE,
    )
    if line:
        text = re.sub(
            r"\([^)]*\)|\bof shape\b.*|torch\.Tensor|Tensor", " ", line[0].partition(name)[2]
        )
        yield from re.findall(r"[A-Za-z_]{2,}", text)[:FIRST_WORDS]


def says_complex(function: Callable[..., Any], template: Template) -> bool:
    """Return whether the name or the docstring of a table says that it is complex."""
    known = parameters(function) or []
    tables = [
        one.name
        for one, argument in zip(known, template)
        if role_of(argument) not in ("x", "q", "k", "v")
    ]
    return any(
        re.search(r"cis?(_|$)|complex", name)
        or any(word.lower() == "complex" for word in _described(function, name))
        for name in tables
    )
