"""The calls worth trying: a role for each argument that a function requires, and some that it may be given."""

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch

from rotcheck.convention import role_named, role_of
from rotcheck.convention.roles import NUMBERS, of_group
from rotcheck.convention.vocabulary import on_cuda
from rotcheck.identify.calling.argument_names import ANY_ROLE, roles
from rotcheck.identify.calling.call_sites import names_passed
from rotcheck.identify.calling.keyword_choices import choices

MOST = 160  # templates
# a flag for a kernel that may not be here
_FUSED = re.compile(r"fus(ed|ion)|(^|_)(triton|te)(_|$)")
_CONSTANT = re.compile(r"True|False|-?\d+|'\w+'")
# vLLM's and Keras's, to which a call of the object hands all on
HANDED_ON = ("forward_native", "call")
Template = tuple[str, ...]

TENSORS, TABLES, PLACES = of_group("tensor"), of_group("table"), of_group("place")
_GROUPS: tuple[set[str], ...] = (
    set(),
    {"positions"},
    {"offset"},
    {"table"},
    {"cos", "sin"},
    {"(cos, sin)"},
    {"cos+sin"},
    {"cos|sin"},
    {"[cos, sin]"},
    {"offsets"},
    {"cos", "sin", "positions"},
    {"table", "positions"},
    {"cos+sin", "positions"},
    {"(cos, sin)", "positions"},
    {"table", "offset"},
    {"cos", "sin", "offset"},
    {"cos+sin", "offset"},
)
_COMMON: tuple[Template, ...] = (
    ("x",),
    ("q", "k"),
    ("x", "table"),
    ("x", "positions"),
    ("table", "x"),
    ("(cos, sin)", "x"),
    ("x", "(cos, sin)"),
    ("cos", "sin", "x"),
    ("table", "q", "k"),
    ("x", "cos", "sin"),
    ("q", "k", "table"),
    ("qkv", "cos", "sin"),
    ("q", "k", "positions"),
    ("q", "k", "(cos, sin)"),
    ("q", "k", "cos", "sin"),
    ("x", "cos", "sin", "positions"),
    ("q", "k", "v", "cos", "sin"),
    ("q", "k", "cos", "sin", "positions"),
)
_INPUTS = ({"x"}, {"qkv"}, {"q"}, {"q", "k"}, {"q", "k", "v"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function: its name, and whether a call must, may, or may only by keyword give it."""

    name: str
    required: bool
    keyword: bool
    nothing: bool  # its default is None
    kind: object = None  # its annotation
    default: object = None


def parameters(function: Callable[..., Any]) -> list[Parameter] | None:
    """Return the parameters of a function, a module or a scripted function; None when it does not tell."""
    schema = _schema(function)
    if schema is not None:
        return [
            Parameter(
                a.name, not a.has_default_value(), a.kwarg_only, False, default=a.default_value
            )
            for a in schema.arguments
        ]
    found = signature(function)
    if found is None:
        return None
    if [p.kind for p in found if p.kind is not p.VAR_KEYWORD] == [inspect.Parameter.VAR_POSITIONAL]:
        return None
    return [
        Parameter(
            p.name,
            p.default is p.empty,
            p.kind is p.KEYWORD_ONLY,
            p.default is None,
            p.annotation,
            p.default,
        )
        for p in found
        if p.kind is not p.VAR_KEYWORD  # of any number of tensors, `*xs`, it is given one
        # `*args` behind q and k is for others
        if p.kind is not p.VAR_POSITIONAL or not _takes_tensors(found)
    ]


def _takes_tensors(places: Sequence[inspect.Parameter]) -> bool:
    return any(
        roles(p.name)[0] in TENSORS and roles(p.name) is not ANY_ROLE
        for p in places
        if p.kind is not p.VAR_POSITIONAL
    )


def _schema(function: Callable[..., Any]) -> Any:
    """Return the schema of a scripted function, or of one behind what wraps it as functools.lru_cache does."""
    try:
        inner = inspect.unwrap(function)
    except ValueError:  # it wraps itself
        return None
    return getattr(inner, "schema", None) if isinstance(inner, torch.jit.ScriptFunction) else None


def signature(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """Return the parameters of a function or module as Python has them; None: it does not tell, as a scripted one."""
    called = function.forward if isinstance(function, torch.nn.Module) else function
    try:
        found = list(inspect.signature(called).parameters.values())
    except (TypeError, ValueError):
        return None
    if {p.kind for p in found} <= {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        behind = (getattr(function, name, None) for name in HANDED_ON)
        return next((signature(method) for method in behind if callable(method)), found)
    return found


def templates(function: Callable[..., Any]) -> list[Template]:
    """Return the calls to try, likeliest first."""
    found = parameters(function)
    if found is None:
        return list(islice(_of_any(), MOST))
    required = [p for p in found if p.required or on_cuda(p.name, p.default)]
    optional = [
        p for p in found if p not in required and p.nothing and roles(p.name) is not ANY_ROLE
    ]
    fused = [p for p in found if p.default is True and _FUSED.search(p.name)]
    tried: dict[Template, None] = {}

    def by_callers(name: str, kind: object) -> tuple[str, ...]:
        said = roles(name, kind)
        if said is not ANY_ROLE:
            return said
        names = names_passed(function, [one.name for one in found], name)
        return next((known for each in names if (known := roles(each)) is not ANY_ROLE), said)

    for choose in (by_callers, roles, _doubted, _anything):
        for extra in ([], *([p] for p in optional), optional, *([fused] if fused else [])):
            given = [*required, *extra]
            chosen = _beside_a_mask(
                [
                    ("False",)
                    if p in fused
                    else choices(function, p.name, p.kind) or choose(p.name, p.kind)
                    for p in given
                ]
            )
            for template in islice(_assigned(chosen), MOST):
                tried.setdefault(_called(template, given, found))
    every = list(islice(tried, 2 * MOST))
    plain = [each for each in every if fused and each[-1] in ("False", f"{fused[-1].name}=False")][
        :1
    ]
    return [*every[:1], *plain, *(each for each in every[1:] if each not in plain)]


def speaks_of_rotation(function: Callable[..., Any], template: Template) -> bool:
    """Return whether a call has tables or positions in it, and the names of the parameters speak for it."""
    return names_fit(parameters(function) or [], template) and bool(
        {*TABLES, *PLACES} & set(map(role_of, template))
    )


def names_fit(places: Sequence[Parameter], template: Template) -> bool:
    """Return whether the names of a function's parameters speak for what a call gives each of them."""
    every = {p.name: p for p in places}
    for at, argument in enumerate(template):
        name, _, role = argument.rpartition("=")
        parameter = every.get(name) if name else places[at] if at < len(places) else None
        if parameter and not parameter.required and _CONSTANT.fullmatch(role):
            continue  # a flag the other way round
        if _is_word(role):  # one that the function itself compares it with
            continue
        said = _said_of(parameter) if parameter else ANY_ROLE
        alike = {"x": ("x", "q", "k", "v"), "q": ("q", "x")}.get(role, (role,))
        if said is ANY_ROLE or not {*alike} & {*said}:
            return False
    return True


def _said_of(parameter: Parameter) -> tuple[str, ...]:
    """Return what a parameter's name says of it: that it is an int does not say which number it is."""
    return roles(parameter.name, None if parameter.kind in (int, "int") else parameter.kind)


def offsets(function: Callable[..., Any]) -> list[str]:
    """Return the parameters, with a default, that may say where the positions begin."""
    return [
        p.name
        for p in parameters(function) or []
        if not p.required and "offset" in roles(p.name)[:1]
    ]


def _doubted(name: str, kind: object) -> tuple[str, ...]:
    """Return what a name says and, of one that is a single letter, everything else as well."""
    found = roles(name, kind)
    return (
        found
        if len(name) > 1 or kind in (int, float, bool)
        else tuple(dict.fromkeys((*found, *ANY_ROLE)))
    )


def _anything(name: str, kind: object) -> tuple[str, ...]:
    """Return everything that an argument may be, whatever it is called."""
    return (
        roles(name, kind)
        if kind in (int, float, bool)
        else (*ANY_ROLE, *(r for r in roles(name) if r in NUMBERS))
    )


def _of_any() -> Iterator[Template]:
    for count in (3, 4, 2, 1, 5):
        yield from islice(_of_count(count), MOST // 5)


def _of_count(count: int) -> Iterator[Template]:
    """Yield calls of so many arguments whose names say nothing, the commonest first."""
    yield from (template for template in _COMMON if len(template) == count)
    yield from _assigned([ANY_ROLE] * count)


def _called(template: Template, given: Sequence[Parameter], all_: Sequence[Parameter]) -> Template:
    """Name those arguments that can be given by keyword only, or stand behind one that is left out."""
    names = [p.name for p in all_]
    behind = 0
    called = []
    for role, parameter in zip(template, given):
        skipped = names.index(parameter.name) != behind
        behind += 1
        if skipped:
            behind = len(names) + 1
        by_name = parameter.keyword or skipped or on_cuda(parameter.name, parameter.default)
        called.append(f"{parameter.name}={role}" if by_name else role)
    return tuple(called)


def _beside_a_mask(roles_of: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return roles of which the numbers of the rows come before an offset, where a mask says how a row is padded."""
    masked = ("mask",) in roles_of
    return [("rows", *each) if masked and "rows" in each else each for each in roles_of]


def _assigned(roles_of: Sequence[tuple[str, ...]]) -> Iterator[Template]:
    """Yield every sensible choice of a role for each argument."""
    yield from _complete(roles_of, (), _blind(roles_of))


def _is_word(role: str) -> bool:
    return role.startswith("'")


def _blind(roles_of: Sequence[tuple[str, ...]]) -> bool:
    return any(len(each) >= len(ANY_ROLE) for each in roles_of)


def _complete(
    roles_of: Sequence[tuple[str, ...]], chosen: Template, blind: bool
) -> Iterator[Template]:
    if len(chosen) == len(roles_of):
        named = _named(chosen)
        if _sensible(named):
            yield named
        return
    for role in roles_of[len(chosen)]:
        repeated = role in chosen and not role_named(role).free
        # which is which is read off the response
        backwards = blind and role == "cos" and "sin" in chosen
        if not repeated and not backwards:
            yield from _complete(roles_of, (*chosen, role), blind)


def _named(chosen: Template) -> Template:
    """Call a lone q, k or v `x`, and an x beside k `q`."""
    if len([role for role in chosen if role in TENSORS]) == 1:
        return tuple("x" if role in ("q", "k", "v") else role for role in chosen)
    if "k" in chosen:
        return tuple("q" if role == "x" else role for role in chosen)
    return tuple("x" if role == "q" else role for role in chosen)


def _sensible(chosen: Template) -> bool:
    inputs = {role for role in chosen if role in TENSORS}
    others = {role for role in chosen if role in (*TABLES, *PLACES)}
    once = len([role for role in chosen if not role_named(role).free]) == len(inputs) + len(others)
    if "rows" in chosen and "mask" not in chosen:
        return False
    order = [role for role in chosen if role in ("q", "k", "v")]
    return (
        once and inputs in _INPUTS and others in _GROUPS and order == sorted(order, key="qkv".index)
    )
