"""Why no call was found: the arguments that are not understood, and a few of the calls that were tried."""

import os
import re
from collections.abc import Callable, Sequence
from typing import Any

import torch

from rotcheck.identify.calling.argument_roles import ANY_ROLE, roles
from rotcheck.identify.calling.match import NoMatch
from rotcheck.identify.calling.parameters import parameters, signature
from rotcheck.identify.telling.next_step import LAUNCHES
from rotcheck.implementations.target import Target

MOST_CALLS = 3
METHODS = ("forward_native", "call", "apply_rotary", "rotate", "get_cos_sin")
_NO_DRIVER = re.compile(r"0 active drivers|[Tt]riton|NVIDIA driver|not compiled with CUDA")
_LACKING = re.compile(r"NotInstalled: (it needs .*, which is not installed)")
_NO_GPU = "0 active drivers"  # so Triton says
_NUMBER = re.compile(r"\d+")


def told(function: Callable[..., Any], tried: Sequence[str]) -> tuple[str, ...]:
    """Return what is not understood of a function's arguments, then calls that were tried, each of another kind."""
    return (*arguments(function), *_different(tried))


def lacking(found: NoMatch) -> str | None:
    """Return what of a package that is not installed a call needs; None: no call asked for any."""
    needed = filter(None, map(_LACKING.search, found.reasons))
    return next((one.group(1) for one in needed), None)


def why(found: NoMatch) -> str | None:
    """Return what a call needs that is not here: a package, or a GPU for its kernel; None: none is known to."""
    launches = any(_NO_GPU in reason for reason in found.reasons)
    return found.why or lacking(found) or (LAUNCHES if launches else None)


def advice(target: Target, found: NoMatch, device: torch.device) -> tuple[str, ...]:
    """Return what to do about a function of which no call was found: what to name, where to run it, what to declare."""
    if lacking(found):
        name = target.specification.rpartition(":")[2]
        return (
            "install it",
            f"or copy {name} and what it calls into a file of its own, without that",
        )
    said = [_place(found)] if device.type == "cpu" else []
    if why(found) != LAUNCHES:
        said += [_method(target), _declaration(target, found)]
    return tuple(text for text in said if text)[:2]


def _place(found: NoMatch) -> str:
    if not any(_NO_DRIVER.search(reason) for reason in found.reasons):
        return ""
    gpu = "it has a Triton kernel: ask for --device cuda on a machine that has one"
    return (
        gpu if os.environ.get("TRITON_INTERPRET") == "1" else f"{gpu}, or for --device interpreter"
    )


def _method(target: Target) -> str:
    """Return which method to name of an object whose call names no argument."""
    own, known = target.function, signature(target.function) or []
    if not known or any(one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in known):
        return ""
    methods = [name for name in METHODS if callable(getattr(own, name, None))]
    return (
        f"name the method that names its arguments: {target.specification}.{methods[0]}"
        if methods
        else ""
    )


def _declaration(target: Target, found: NoMatch) -> str:
    likeliest = found.likeliest
    if likeliest is None or parameters(target.function) is None:
        return ""
    known, words = parameters(target.function) or [], []
    for at, role in enumerate(likeliest.called_with):
        one = known[at] if "=" not in role and at < len(known) else None
        words.append('"..."' if one and roles(one.name, one.kind) is ANY_ROLE else f'"{role}"')
    taken = f"({', '.join(words)}{',' if len(words) == 1 else ''})"
    return (
        "say above the function what it is: @rotcheck.declare(pairing=..., layout=..., tables=..., "
        f"arguments={taken})"
    )


def arguments(function: Callable[..., Any]) -> list[str]:
    """Return of each argument that a call must give, and whose name says nothing, its place and name."""
    found = signature(function)
    stars = [f"*{one.name}" for one in found or () if one.kind is one.VAR_POSITIONAL]
    named = [one for one in found or () if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    if found and not named:
        shown = ", ".join(
            [*stars, *(f"**{one.name}" for one in found if one.kind is one.VAR_KEYWORD)]
        )
        missing = "how many it takes, and what they are" if stars else "which names it looks for"
        return [f"it takes `{shown}` and names no argument: nothing tells {missing}"]
    return [
        f"argument {at}, `*{one.name}`: nothing tells how many it takes, and what they are"
        if f"*{one.name}" in stars
        else f"argument {at}, `{one.name}`: its name says nothing rotcheck knows"
        for at, one in enumerate(parameters(function) or (), 1)
        if one.mandatory and roles(one.name, one.kind) is ANY_ROLE
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
