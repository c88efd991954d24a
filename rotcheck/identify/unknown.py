"""Why no call was found: the arguments that are not understood, and a few of the calls that were tried."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from rotcheck.identify.names import UNKNOWN, roles
from rotcheck.identify.templates import parameters, signature

MOST_CALLS = 3
_NUMBER = re.compile(r"\d+")


def told(function: Callable[..., Any], tried: Sequence[str]) -> tuple[str, ...]:
    """Return what is not understood of a function's arguments, then calls that were tried, each of another kind."""
    return (*arguments(function), *_different(tried))


def arguments(function: Callable[..., Any]) -> list[str]:
    """Return of each argument that a call must give, and whose name says nothing, its place and name."""
    found = signature(function)
    stars = [f"*{one.name}" for one in found or () if one.kind is one.VAR_POSITIONAL]
    named = [one for one in found or () if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    if found and not named:
        shown = ", ".join([*stars, *(f"**{one.name}" for one in found if one.kind is one.VAR_KEYWORD)])
        missing = "how many it takes, and what they are" if stars else "which names it looks for"
        return [f"it takes `{shown}` and names no argument: nothing tells {missing}"]
    return [
        f"argument {at}, `*{one.name}`: nothing tells how many it takes, and what they are"
        if f"*{one.name}" in stars
        else f"argument {at}, `{one.name}`: its name says nothing rotcheck knows"
        for at, one in enumerate(parameters(function) or (), 1)
        if one.required and roles(one.name, one.kind) is UNKNOWN
    ]


def _different(tried: Sequence[str]) -> list[str]:
    """Return the first calls of which each came to another end."""
    kinds: dict[str, str] = {}
    for text in tried:
        kinds.setdefault(_kind(text), text)
    return list(kinds.values())[:MOST_CALLS]


def _kind(text: str) -> str:
    """Return how a call ended, without its numbers: the error that it raised, or what it gave back."""
    ended = text.partition(") ")[2]
    return ended.partition(":")[0] if ended.startswith("raises ") else _NUMBER.sub("", ended)
