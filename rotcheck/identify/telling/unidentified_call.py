"""Why no call was found: arguments that are not understood,
and some of the calls that were tried."""

import os
import re
from collections.abc import Callable, Sequence
from typing import Any

import torch

from rotcheck.identify.calling.argument_roles import ANY_ROLE, roles
from rotcheck.identify.calling.call_match import NoMatch
from rotcheck.identify.calling.parameters import parameters, signature
from rotcheck.implementations import array_libraries
from rotcheck.implementations.target import Target

MOST_CALLS = 3
_NO_DRIVER = re.compile(r"0 active drivers|[Tt]riton|NVIDIA driver|not compiled with CUDA")
_LACKING = re.compile(r"NotInstalled: (it needs (.*), which is not installed)")
_NO_GPU = "0 active drivers"  # so Triton says
LAUNCHES = "it launches a Triton kernel, and Triton finds no GPU here"
_NUMBER = re.compile(r"\d+")


def explanation(function: Callable[..., Any], calls: Sequence[str]) -> tuple[str, ...]:
    """The arguments that are not understood, then calls that were tried,
    each with a different outcome."""
    return (*arguments(function), *_different(calls))


def lacking(search_result: NoMatch) -> str | None:
    """The missing package that a call needs; None: no call needs one."""
    packages = filter(None, map(_LACKING.search, search_result.reasons))
    return next((_said_to_be(package[2], package[1]) for package in packages), None)


def _said_to_be(path: str, text: str) -> str:
    """That a call needs something, and what is to be installed where that is of Flax."""
    root = path.partition(".")[0]
    library = array_libraries.PACKAGES.get(root)
    return f"{text}: this is {library}: `pip install {root}`" if library else text


def why(search_result: NoMatch) -> str | None:
    """What a call needs that is missing here: a package, or a GPU for its kernel;
    None: nothing is known to be."""
    known = search_result.why or lacking(search_result)
    return known or (LAUNCHES if lacks_gpu(search_result) else None)


def lacks_gpu(search_result: NoMatch) -> bool:
    """Whether nothing but a GPU for its kernel is known to be missing."""
    needs_gpu = any(_NO_GPU in reason for reason in search_result.reasons)
    return needs_gpu and not search_result.why and not lacking(search_result)


def advice(target: Target, search_result: NoMatch, device: torch.device) -> tuple[str, ...]:
    """What to do about a function without a call:
    what to install or name, where to run it, what to declare."""
    if lacking(search_result):
        name = target.specification.rpartition(":")[2]
        return (
            "install it",
            f"or copy {name} and what it calls into a file of its own, without that",
        )
    texts = [_place(search_result)] if device.type == "cpu" else []
    if not lacks_gpu(search_result):
        texts.append(_declaration(target, search_result))
    return tuple(text for text in texts if text)[:2]


def _place(search_result: NoMatch) -> str:
    if not any(_NO_DRIVER.search(reason) for reason in search_result.reasons):
        return ""
    gpu = "it has a Triton kernel: ask for --device cuda on a machine that has one"
    return (
        gpu if os.environ.get("TRITON_INTERPRET") == "1" else f"{gpu}, or for --device interpreter"
    )


def _declaration(target: Target, search_result: NoMatch) -> str:
    likeliest, places = search_result.likeliest, parameters(target.function)
    if likeliest is None or places is None:
        return ""
    words = []
    for at, role in enumerate(likeliest.called_with):
        place = places[at] if "=" not in role and at < len(places) else None
        is_unknown = place is not None and roles(place.name, place.kind) is ANY_ROLE
        words.append('"..."' if is_unknown else f'"{role}"')
    roles_code = f"({', '.join(words)}{',' if len(words) == 1 else ''})"
    return (
        "declare above the function what it is: @rotcheck.declare(pairing=..., layout=..., tables=..., "
        f"arguments={roles_code})"
    )


def arguments(function: Callable[..., Any]) -> list[str]:
    """Place and name of each required argument whose name says nothing."""
    places = signature(function) or []
    stars = [f"*{place.name}" for place in places if place.kind is place.VAR_POSITIONAL]
    keywords = [f"**{place.name}" for place in places if place.kind is place.VAR_KEYWORD]
    if places and len(places) == len(stars) + len(keywords):
        missing = "how many it takes, or what they are" if stars else "which names it looks for"
        taken = ", ".join([*stars, *keywords])
        return [f"it takes `{taken}` and names no argument: nothing says {missing}"]
    return [
        f"argument {at}, `*{parameter.name}`: nothing says how many it takes, or what they are"
        if f"*{parameter.name}" in stars
        else f"argument {at}, `{parameter.name}`: rotcheck does not know this name"
        for at, parameter in enumerate(parameters(function) or (), 1)
        if parameter.mandatory and roles(parameter.name, parameter.kind) is ANY_ROLE
    ]


def _different(calls: Sequence[str]) -> list[str]:
    """The first calls, each with a different outcome."""
    kinds: dict[str, str] = {}
    for text in calls:
        kinds.setdefault(_kind(text), text)
    return list(kinds.values())[:MOST_CALLS]


def _kind(text: str) -> str:
    """The outcome of a call without its numbers: the error that it raised, or what it returned."""
    end = text.partition(") ")[2]
    return end.partition(":")[0] if end.startswith("raises ") else _NUMBER.sub("", end)
