"""The flags of a function, as `interleaved=False`, and the calls with each turned round."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import torch
from msgspec import structs

from rotcheck.convention import role_of, vocabulary
from rotcheck.convention.vocabulary import is_named
from rotcheck.identify.calling import format_strings
from rotcheck.identify.calling.argument_roles import Template
from rotcheck.identify.calling.parameters import Parameter, parameters
from rotcheck.implementations import instances
from rotcheck.implementations.target import Target, on_device
from rotcheck.results import FlagEffect, Identification, Remark

MOST = 4  # flags that are tried
OTHER_AXIS = {1: 2, 2: 1, -2: -3, -3: -2}  # of heads, beside that of rows
Build = Callable[..., tuple[Callable[..., Any], str]]
"""Builds an object once more, with other arguments by name, and says how."""


@dataclass(frozen=True, slots=True)
class FlaggedCall:
    """A call with a flag the other way round, as `interleaved=True`.

    `target` returns what is called then; it raises what the building of its object raises.
    """

    flag: str
    target: Callable[[], Target]
    arguments: Template


def flagged_calls(
    target: Target, arguments: Template, device: torch.device
) -> tuple[FlaggedCall, ...]:
    """The first flags of a function, then those of the class that it is an object or a method of.

    Flags that say how to rotate come before all others.
    """
    calls = (*_of_function(target, arguments), *_of_class(target, arguments, device))
    return tuple(sorted(calls, key=lambda call: not _says_how_to_rotate(call.flag)))[:MOST]


def builder(target: Target, device: torch.device) -> Build | None:
    """What builds the object of a target once more; None: it was not built of a class."""
    holder = getattr(target.function, "__self__", target.function)
    kind, method = type(holder), getattr(target.function, "__name__", "")
    if not (target.built or "").startswith(f"{kind.__name__}("):
        return None

    def build(place: str = str(device), **keywords: Any) -> tuple[Callable[..., Any], str]:
        plain, construction = instances.construct(kind, device=place, **keywords)
        copy = on_device(plain, place)
        if holder is target.function:
            return copy, construction
        return cast(Callable[..., Any], getattr(copy, method)), construction

    return build


def _of_class(target: Target, arguments: Template, device: torch.device) -> Iterator[FlaggedCall]:
    build = builder(target, device)
    if build is None:
        return

    def with_flag(**flag: bool) -> Target:
        function, construction = build(**flag)
        return replace(
            target, function=function, built=construction, anew=lambda: build("cpu", **flag)[0]
        )

    for name, value in _flags_of(type(getattr(target.function, "__self__", target.function))):
        yield FlaggedCall(f"{name}={not value}", partial(with_flag, **{name: not value}), arguments)


def _flags_of(kind: type) -> Iterator[tuple[str, bool]]:
    """The flags of a class, and what they are when an object is built."""
    for parameter in inspect.signature(kind).parameters.values():
        if isinstance(parameter.default, bool):
            yield parameter.name, parameter.default
        elif parameter.default is parameter.empty and is_named(parameter.name, vocabulary.FLAG):
            yield parameter.name, True


def _of_function(target: Target, arguments: Template) -> Iterator[FlaggedCall]:
    signature = parameters(target.function) or []
    places = {
        argument.rpartition("=")[0] or signature[at].name: at
        for at, argument in enumerate(arguments)
        if "=" in argument or at < len(signature)
    }
    for parameter in signature:
        at = places.get(parameter.name)
        for value in _other_values(target, parameter, None if at is None else arguments[at]):
            flag = f"{parameter.name}={value}"
            yield FlaggedCall(flag, lambda: target, _with_value(arguments, at, flag))


def _other_values(target: Target, parameter: Parameter, argument: str | None) -> Iterator[str]:
    """The other values of a flag as Python; `argument`: what the call passes, None: nothing."""
    if argument is None and isinstance(parameter.default, bool):
        yield str(not parameter.default)
    elif argument is None and _says_axis(parameter.name) and parameter.default in OTHER_AXIS:
        yield str(OTHER_AXIS[parameter.default])
    elif argument is not None and role_of(argument) in ("True", "False"):
        yield str(role_of(argument) == "False")
    else:
        word = parameter.default if argument is None else role_of(argument).strip("'")
        yield from map(repr, format_strings.other_layouts(target.function, parameter, word))


def _with_value(arguments: Template, at: int | None, flag: str) -> Template:
    """The arguments of a call with another value at a place, or behind all of them."""
    if at is None:
        return (*arguments, flag)
    argument = flag if "=" in arguments[at] else flag.partition("=")[2]
    return (*arguments[:at], argument, *arguments[at + 1 :])


def chooses_pairing(flag: str) -> bool:
    """Whether a flag chooses which lanes are paired."""
    return is_named(flag.partition("=")[0], vocabulary.PAIRING)


def asks_for_inverse(flag: str) -> bool:
    """Whether a flag asks for the rotation back."""
    return is_named(flag.partition("=")[0], vocabulary.INVERSE) and flag.endswith("=True")


def _says_axis(name: str) -> bool:
    """Whether an argument says the axis of rows or heads, or where tables get one of size 1."""
    return is_named(name, vocabulary.AXIS)


def _says_how_to_rotate(flag: str) -> bool:
    name = flag.partition("=")[0]
    roles = (vocabulary.STYLE, vocabulary.INVERSE, vocabulary.AXIS)
    return any(is_named(name, role) for role in roles)


def result(call: FlaggedCall, identification: Identification) -> FlagEffect:
    """What a function does with a flag, by its identification with that."""
    mistakes = [finding.message for finding in identification.findings if finding.mistake]
    calls = [words for words in identification.tried if words.startswith("f(")]
    return FlagEffect(
        flag=call.flag,
        follows=identification.follows,
        convention=identification.convention,
        error=identification.error,
        message=next(iter((*mistakes, *calls)), identification.message),
    )


def mistakes(call: FlaggedCall, identification: Identification) -> list[Remark]:
    """The first mistake that a function makes with a flag that says how it is to rotate.

    What other flags do to the result (dropout, another result altogether) is no mistake.
    """
    wrong = [finding for finding in identification.findings if finding.mistake]
    says_axis = _says_axis(call.flag.partition("=")[0])
    is_rotation = identification.convention or asks_for_inverse(call.flag) or says_axis
    if not (wrong and is_rotation and _says_how_to_rotate(call.flag)):
        return []
    return [structs.replace(wrong[0], message=f"with {call.flag}: {wrong[0].message}")]
