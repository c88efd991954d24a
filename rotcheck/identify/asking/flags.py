"""The flags of a function, as `interleaved=False`: what it does with each of them the other way round."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import torch
from msgspec import structs

from rotcheck.convention import role_of, vocabulary
from rotcheck.convention.vocabulary import said
from rotcheck.identify.calling import format_strings
from rotcheck.identify.calling.templates import Template, parameters
from rotcheck.implementations import instances
from rotcheck.implementations.target import Target, on_device
from rotcheck.results import Identification, Remark, Turned

MOST = 4  # flags that are tried
OTHER_AXIS = {1: 2, 2: 1, -2: -3, -3: -2}  # of heads, beside that of rows


@dataclass(frozen=True, slots=True)
class Turning:
    """A flag the other way round, `interleaved=True`, and the call in which it is so.

    `of` returns the target that is called then; it raises what the building of its object raises.
    """

    flag: str
    of: Callable[[], Target]
    arguments: Template


def turned(target: Target, arguments: Template, device: torch.device) -> tuple[Turning, ...]:
    """Return the first flags of a function, then those of the class that it is an object or a method of.

    Flags that say how to rotate come before all others.
    """
    every = (*_of_call(target, arguments), *_of_class(target, arguments, device))
    return tuple(sorted(every, key=lambda turning: not _of_style(turning.flag)))[:MOST]


def rebuilt(
    target: Target, device: torch.device
) -> Callable[..., tuple[Callable[..., Any], str]] | None:
    """Return what builds the object of a target once more, with other arguments by name, and says how.

    None: it is no object that was built of a class by its parameters' names.
    """
    own = getattr(target.function, "__self__", target.function)
    kind, method = type(own), getattr(target.function, "__name__", "")
    if not (target.built or "").startswith(f"{kind.__name__}("):
        return None

    def build(place: str = str(device), **given: Any) -> tuple[Callable[..., Any], str]:
        other, words = instances.construct(kind, device=place, **given)
        other = on_device(other, place)
        return other if own is target.function else cast(
            Callable[..., Any], getattr(other, method)
        ), words

    return build


def _of_class(target: Target, arguments: Template, device: torch.device) -> Iterator[Turning]:
    build = rebuilt(target, device)
    if build is None:
        return

    def other(**flag: bool) -> Target:
        function, words = build(**flag)
        return replace(target, function=function, built=words, anew=lambda: build("cpu", **flag)[0])

    for name, value in _given_to(type(getattr(target.function, "__self__", target.function))):
        yield Turning(f"{name}={not value}", partial(other, **{name: not value}), arguments)


def _given_to(made: type) -> Iterator[tuple[str, bool]]:
    """Yield the flags of a class and what they were when the object was made."""
    for parameter in inspect.signature(made).parameters.values():
        if isinstance(parameter.default, bool):
            yield parameter.name, parameter.default
        elif parameter.default is parameter.empty and said(parameter.name, vocabulary.FLAG):
            yield parameter.name, True


def _of_call(target: Target, arguments: Template) -> Iterator[Turning]:
    every = parameters(target.function) or []
    places = {
        argument.rpartition("=")[0] or every[at].name: at
        for at, argument in enumerate(arguments)
        if "=" in argument or at < len(every)
    }
    for one in every:
        at = places.get(one.name)
        if at is None and isinstance(one.default, bool):
            flag = f"{one.name}={not one.default}"
            yield Turning(flag, lambda: target, (*arguments, flag))
        elif at is None and _of_axis(one.name) and one.default in OTHER_AXIS:
            flag = f"{one.name}={OTHER_AXIS[one.default]}"
            yield Turning(flag, lambda: target, (*arguments, flag))
        elif at is not None and role_of(arguments[at]) in ("True", "False"):
            value = str(role_of(arguments[at]) == "False")
            by_name = f"{one.name}={value}"
            given = by_name if "=" in arguments[at] else value
            yield Turning(by_name, lambda: target, (*arguments[:at], given, *arguments[at + 1 :]))
        else:
            own = one.default if at is None else role_of(arguments[at]).strip("'")
            for word in format_strings.other_layouts(target.function, one, own):
                flag = f"{one.name}={word!r}"
                yield Turning(flag, lambda: target, _with_word(arguments, at, flag, word))


def _with_word(arguments: Template, at: int | None, flag: str, word: str) -> Template:
    """Return the arguments of a call with another string at a place, or behind all of them."""
    if at is None:
        return (*arguments, flag)
    given = flag if "=" in arguments[at] else repr(word)
    return (*arguments[:at], given, *arguments[at + 1 :])


def of_pairing(flag: str) -> bool:
    """Return whether a flag chooses which lanes are paired."""
    return said(flag.partition("=")[0], vocabulary.PAIRING)


def of_inverse(flag: str) -> bool:
    """Return whether a flag asks for the rotation back."""
    return said(flag.partition("=")[0], vocabulary.INVERSE) and flag.endswith("=True")


def _of_axis(name: str) -> bool:
    """Return whether an argument says which axis rows or heads lie along, or where tables get one of size 1."""
    return said(name, vocabulary.AXIS)


def _of_style(flag: str) -> bool:
    """Return whether a flag says how to rotate."""
    name = flag.partition("=")[0]
    return any(
        said(name, names) for names in (vocabulary.STYLE, vocabulary.INVERSE, vocabulary.AXIS)
    )


def told(turning: Turning, found: Identification) -> Turned:
    """Return what a function was found to do with a flag."""
    wrong = [one.message for one in found.findings if one.mistake]
    tried = [one for one in found.tried if one.startswith("f(")]
    return Turned(
        flag=turning.flag,
        follows=found.follows,
        convention=found.convention,
        error=found.error,
        message=next(iter((*wrong, *tried)), found.message),
    )


def mistakes(turning: Turning, found: Identification) -> list[Remark]:
    """Return the first mistake that a function makes with a flag that says how it is to rotate.

    What other flags do to the result (dropout, another result altogether) is no mistake.
    """
    wrong = [one for one in found.findings if one.mistake]
    sure = found.convention or of_inverse(turning.flag) or _of_axis(turning.flag.partition("=")[0])
    if not (wrong and sure and _of_style(turning.flag)):
        return []
    return [structs.replace(wrong[0], message=f"with {turning.flag}: {wrong[0].message}")]
