"""The parameters of a function, a module or a scripted function, as a call may give them."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from rotcheck.identify.calling.argument_roles import ANY_ROLE, roles

TENSORS = ("x", "qkv", "q", "k", "v")
# vLLM's and Keras's, to which a call of the object hands all on
HANDED_ON = ("forward_native", "call")
METHODS = (*HANDED_ON, "forward_torch", "forward_static", "apply_rotary", "rotate", "get_cos_sin")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function: its name, and whether a call must, may,
    or may only by keyword give it."""

    name: str
    mandatory: bool
    keyword: bool
    nothing: bool  # its default is None
    kind: object = None  # its annotation
    default: object = None


def parameters(function: Callable[..., Any]) -> list[Parameter] | None:
    """The parameters of a function, a module or a scripted function;
    None when it does not tell them."""
    schema = _schema(function)
    if schema is not None:
        return [
            Parameter(
                a.name, not a.has_default_value(), a.kwarg_only, False, default=a.default_value
            )
            for a in schema.arguments
        ]
    places = signature(function)
    if places is None:
        return None
    if [p.kind for p in places if p.kind is not p.VAR_KEYWORD] == [
        inspect.Parameter.VAR_POSITIONAL
    ]:
        return None
    # of any number of tensors, `*xs`, it is given one; `*args` behind q and k is for others
    several = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    left_out = several if _takes_tensors(places) else several[:1]
    return [
        Parameter(
            place.name,
            place.default is place.empty,
            place.kind is place.KEYWORD_ONLY,
            place.default is None,
            place.annotation,
            place.default,
        )
        for place in places
        if place.kind not in left_out
    ]


def _takes_tensors(places: Sequence[inspect.Parameter]) -> bool:
    return any(
        roles(p.name)[0] in TENSORS and roles(p.name) is not ANY_ROLE
        for p in places
        if p.kind is not p.VAR_POSITIONAL
    )


def _schema(function: Callable[..., Any]) -> Any:
    """The schema of a scripted function, or of one behind what wraps it
    as functools.lru_cache does."""
    try:
        inner = inspect.unwrap(function)
    except ValueError:  # it wraps itself
        return None
    return getattr(inner, "schema", None) if isinstance(inner, torch.jit.ScriptFunction) else None


def signature(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """The parameters of a function or module as Python has them;
    None of one that does not tell them."""
    routine = function.forward if isinstance(function, torch.nn.Module) else function
    try:
        places = list(inspect.signature(routine).parameters.values())
    except (TypeError, ValueError):
        return None
    if {p.kind for p in places} <= {
        inspect.Parameter.VAR_POSITIONAL,
        inspect.Parameter.VAR_KEYWORD,
    }:
        behind = (getattr(function, name, None) for name in HANDED_ON)
        return next((signature(method) for method in behind if callable(method)), places)
    return places


def methods_with_names(function: Callable[..., Any]) -> list[str]:
    """The methods that may do what an object does, of one whose call names no argument."""
    routine = function.forward if isinstance(function, torch.nn.Module) else function
    try:
        kinds = {place.kind for place in inspect.signature(routine).parameters.values()}
    except (TypeError, ValueError):
        return []
    if not kinds or kinds - {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        return []
    return [name for name in METHODS if callable(getattr(function, name, None))]


def parameter_of(argument: str, at: int, places: Sequence[Parameter]) -> Parameter | None:
    """The parameter that an argument of a call, `role` or `name=role`, is given to;
    None: there is none."""
    name = argument.rpartition("=")[0]
    if name:
        return next((place for place in places if place.name == name), None)
    return places[at] if at < len(places) else None


def offsets(function: Callable[..., Any]) -> list[str]:
    """The parameters, with a default, that may say where the positions begin."""
    return [
        p.name
        for p in parameters(function) or []
        if not p.mandatory and "offset" in roles(p.name)[:1]
    ]
