"""Does anything speak for what an argument is:
its name, its annotation, its docstring, or who calls the function?"""

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rotcheck.convention import role_of
from rotcheck.convention.vocabulary import TOTAL, is_named
from rotcheck.identify.calling.argument_roles import ANY_ROLE, TABLES, Template, roles
from rotcheck.identify.calling.call_sites import names_passed
from rotcheck.identify.calling.parameters import Parameter, parameter_of, parameters

FIRST_WORDS = 4  # of what a docstring says of a parameter
_AGAIN = re.compile(
    r"(^|_)(re|un|de)_?(rot(?!ated)|rope)|remap|(^|_)(shift|delta)(_|$)|(^|_)(old|kept|selected)_.*pos"
)
_FLAG = re.compile(r"True|False|-?\d+|'\w+'")
_CONSTANT = re.compile(r"True|False|None|-?\d.*|device")
_OFFSETS = ("offset", "offsets", "positions")
_TENSORS_ALIKE = {"x": ("x", "q", "k", "v"), "q": ("q", "x")}
_ALIKE = _TENSORS_ALIKE | {"offset": ("offset", "S")}


def arguments_without_evidence(function: Callable[..., Any], template: Template) -> list[str]:
    """The arguments of a call whose role nothing speaks for:
    their names, or their places where they have none."""
    places = parameters(function)
    if places is None:
        return [f"argument {at}" for at, _ in enumerate(template, 1)]
    names = []
    for at, argument in enumerate(template):
        parameter, role = parameter_of(argument, at, places), role_of(argument)
        if parameter is None:
            names.append(argument.rpartition("=")[0] or f"argument {at + 1}")
        elif not _is_word(role) and not _speaks(parameter, role, function):
            names.append(parameter.name)
    return names


def _is_word(role: str) -> bool:
    """Whether it is a word that the function itself compares the argument with."""
    return role.startswith("'")


def _speaks(parameter: Parameter, role: str, function: Callable[..., Any]) -> bool:
    kind = None if parameter.kind in (int, "int") else parameter.kind
    if _CONSTANT.fullmatch(role) and (
        not parameter.mandatory or kind in (bool, "bool", float, "float")
    ):
        return True
    words = (
        parameter.name,
        *_docstring_words(function, parameter.name),
        *names_passed(
            function, [place.name for place in parameters(function) or ()], parameter.name
        ),
    )
    if role in _OFFSETS and is_named(parameter.name, TOTAL):
        # the new rows may be a part of them: that it is an offset, something else has to say
        words = words[1:]
    return any(_fits(word, kind, role) for word in words)


def _fits(word: str, kind: object, role: str) -> bool:
    roles_of_word = roles(word, kind)
    if _CONSTANT.fullmatch(role):
        return roles_of_word is not ANY_ROLE and role in roles_of_word
    return roles_of_word is not ANY_ROLE and bool({*_ALIKE.get(role, (role,))} & {*roles_of_word})


def names_fit(places: Sequence[Parameter], template: Template) -> bool:
    """Whether the names of a function's parameters speak for what a call gives each of them."""
    return all(
        _name_fits(parameter_of(argument, at, places), role_of(argument))
        for at, argument in enumerate(template)
    )


def _name_fits(parameter: Parameter | None, role: str) -> bool:
    if parameter and not parameter.mandatory and _FLAG.fullmatch(role):
        return True  # a flag the other way round
    if _is_word(role):
        return True
    if parameter is None:
        return False
    # that it is an int does not say which number it is
    kind = None if parameter.kind in (int, "int") else parameter.kind
    by_name = roles(parameter.name, kind)
    names = _TENSORS_ALIKE.get(role, (role,))
    return by_name is not ANY_ROLE and bool({*names} & {*by_name})


def speaks_of_rotation(function: Callable[..., Any], template: Template) -> bool:
    """Whether a call has tables or positions in it,
    and the names of the parameters speak for it."""
    with_angles = {*TABLES, "positions", "offset", "offsets"} & set(map(role_of, template))
    return bool(with_angles) and names_fit(parameters(function) or [], template)


def rotates_again(function: Callable[..., Any]) -> bool:
    """Whether a function, by its names, moves what is rotated already by
    a difference of positions."""
    function_name = getattr(function, "__name__", type(function).__name__)
    names = (function_name, *(place.name for place in parameters(function) or ()))
    return any(_AGAIN.search(name.lower()) for name in names)


def documentation(function: Callable[..., Any]) -> str:
    """What is written about a function or an object: its docstrings, nearest first."""
    owner = getattr(function, "__self__", function)
    if inspect.isroutine(owner):
        parts: list[Any] = [owner]
    else:
        parts = [
            function if function is not owner else getattr(owner, "forward", type(owner).__call__),
            type(owner),
        ]
    texts = [inspect.getdoc(part) or "" for part in parts]
    return "\n".join(dict.fromkeys(text for text in texts if not text.startswith(_OF_TORCH)))


_OF_TORCH = (
    "Define the computation performed",
    "Base class for all neural network",
    "Call self as a function",
)


def _docstring_words(function: Callable[..., Any], name: str) -> Iterator[str]:
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
    """Whether the name or the docstring of a table says that it is complex."""
    places = parameters(function) or []
    tables = [
        place.name
        for place, argument in zip(places, template)
        if role_of(argument) not in ("x", "q", "k", "v")
    ]
    return any(
        re.search(r"cis?(_|$)|complex", name)
        or any(word.lower() == "complex" for word in _docstring_words(function, name))
        for name in tables
    )


_PAD = re.compile(r"\bpad", re.IGNORECASE)
_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)


def padding_side(text: str) -> str:
    """The side on which a text says that rows are padded; empty: it says none, or both."""
    sides = {side.lower() for side in _SIDES.findall(text)} if _PAD.search(text) else set()
    return sides.pop() if len(sides) == 1 else ""
