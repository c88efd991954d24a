"""The shapes that a docstring or a comment gives a function's arguments:
which call to try first."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import torch

from rotcheck.convention import Convention, role_named, role_of
from rotcheck.identify.calling.argument_roles import TENSORS, Template
from rotcheck.identify.calling.parameters import parameters

_SHAPE = re.compile(r"[(\[]([^()\[\]]*,[^()\[\]]*)[)\]]")
_STOP = re.compile(r"[.;\n]\s|[)\]]\s*[,;]?\s")  # what ends the words in front of a shape
_IF = re.compile(r"\b(if|when|either)\b", re.IGNORECASE)  # of several shapes, or with a flag
_AXES: dict[str, str] = {
    "b": r"b|n_?batch|batch(_?size)?|bsz|bs|(1|b|batch)\s*(or|\|)\s*(1|b|batch)",
    "s": r"s|l|t|n|rows|(seq|sequence|q|src|max_seq)?_?(len|length|seqlen)|seq|sequence|(n|num)?_?tokens|total_tokens|"
    r"time|positions|n_ctx|seq_?len_\w+|max_?(seq_?len(gth)?|position)\w*",
    "h": r"h|nh|(n|num|num_attention|n_local|q|kv)?_?heads?|1\s*or\s*h",
    "e": r"h\s*\*\s*d|(n|num)?_?heads?\s*\*\s*(head_?(dim|size)|d|hd)",
    "d": r"d|hd|lanes|width|(head|rope|rotary|rot)?_?(dim|size|dims)|dim_head|d_head|head_?dim|"
    r"(d|head_?dim|dim|rope_dim|rotary_dim)\s*//?\s*2",
    "1": r"1",
    "2": r"2",
    "3": r"3",
}
_TABLE = re.compile(r"^(cos|sin)", re.IGNORECASE)
_HALF = re.compile(r"//?\s*2\s*$")
_LETTERS = tuple((letter, re.compile(pattern, re.IGNORECASE)) for letter, pattern in _AXES.items())


class HasConvention(Protocol):
    """What was found in one way to call a function."""

    @property
    def convention(self) -> Convention: ...


Candidate = TypeVar("Candidate", bound=HasConvention)


def documented_axes(function: Callable[..., Any]) -> dict[str, str]:
    """The axes of arguments, a letter each as in a layout, by their names.

    None where two are told, but for tables of one batch row or of each: `(1, S, D) or (B, S, D)`.
    """
    names = [parameter.name for parameter in parameters(function) or ()]
    axes_by_name: dict[str, set[str]] = {}
    with_flag: set[str] = set()  # by a flag: which of them holds is not told
    for text in _texts(function):
        with_flag |= {axes for _, axes in _shapes(text, with_flag=True)}
        for before, axes in _shapes(text):
            for name in names:
                if re.search(rf"\b{re.escape(name.lstrip('*'))}\b", before):
                    axes_by_name.setdefault(name, set()).add(axes)
    widest = {name: _widest(shapes) for name, shapes in axes_by_name.items()}
    return {
        name: axes
        for name, axes in widest.items()
        if axes and not _in_another_order(axes, with_flag)
    }


def _widest(axes: set[str]) -> str | None:
    """The shape that has a row for each batch row where the others have one for all;
    None: they differ more."""
    alike = (
        widest
        for widest in axes
        if axes <= {widest, widest.replace("b", "1"), widest.replace("b", "")}
    )
    return next(alike, None)


def _in_another_order(axes: str, with_flag: set[str]) -> bool:
    """Whether the same axes stand somewhere in another order as well."""
    return any(order != axes and sorted(order) == sorted(axes) for order in with_flag)


def axes_by_role(function: Callable[..., Any], template: Template) -> dict[str, str]:
    """The axes that the documentation gives the arguments of a call, by role."""
    by_name = documented_axes(function)
    names = [parameter.name for parameter in parameters(function) or ()]
    by_role: dict[str, str] = {}
    for at, argument in enumerate(template):
        name = argument.rpartition("=")[0] or (names[at] if at < len(names) else "")
        if name in by_name:
            by_role[role_of(argument)] = by_name[name]
    return by_role


def says_table_shape(function: Callable[..., Any], convention: Convention) -> bool:
    """Whether a signature or documentation makes sure which tables a call has to hand over.

    By two parameters, cos and sin, or by the axes that the documentation gives
    the tables of this call.
    """
    arguments = convention.called_with
    if {"cos", "sin"} <= set(map(role_of, arguments)):
        return True
    return bool(documented_tables(axes_by_role(function, arguments)) & handed_axes(convention))


def documented_tables(axes_by_role: Mapping[str, str]) -> set[str]:
    """The axes that the documentation gives the tables of a call."""
    return {
        axes.replace("d", "w").replace("h", "1")
        for role, axes in axes_by_role.items()
        if role not in (*TENSORS, "positions", "offsets")
    }


def handed_axes(convention: Convention) -> set[str]:
    """The axes of the tables as a call hands them over,
    with those behind the lanes and those of a join."""
    tail = "".join(map(str, convention.form.tail))
    roles = (role_named(role_of(argument)) for argument in convention.called_with)
    return {
        role.axes_of(convention.all_table_axes) + tail for role in roles if role.group == "table"
    }


def documents_half_width(function: Callable[..., Any]) -> bool:
    """Whether the documentation says that tables are half as wide as a head:
    `cos, sin: (length, head_dim // 2)`."""
    names = [
        parameter.name for parameter in parameters(function) or () if _TABLE.search(parameter.name)
    ]
    shapes = (shape for text in _texts(function) for shape in _SHAPE.finditer(text))
    before = [shape.string[: shape.start()] for shape in shapes if _HALF.search(shape.group(1))]
    return any(
        re.search(rf"\b{re.escape(name)}\b[^()]*$", text) for text in before for name in names
    )


def drop_batched_tables(
    matches: Sequence[Candidate], axes_by_role: Mapping[str, str]
) -> list[Candidate]:
    """The calls that fit, without those with tables for each batch row where
    the documentation gives other tables.

    A kernel that reads tables (S, W) takes larger ones too, and reads their first rows.
    """
    tables = documented_tables(axes_by_role)
    if not tables or any("b" in axes for axes in tables):
        return list(matches)
    return [match for match in matches if "b" not in match.convention.table_axes] or list(matches)


def _texts(function: Callable[..., Any]) -> tuple[str, ...]:
    """The docstrings and comments of a function, of a module's `forward`, and of its class."""
    routine = function.forward if isinstance(function, torch.nn.Module) else function
    owner = getattr(routine, "__self__", None)
    if not inspect.isroutine(routine):
        routine, owner = getattr(routine, "__call__", routine), routine  # noqa: B004
    return _texts_of(routine, (inspect.getdoc(type(owner)) or "") if owner is not None else "")


@lru_cache(maxsize=256)
def _texts_of(routine: Callable[..., Any], of_class: str) -> tuple[str, ...]:
    """The docstring of a routine, that `of_class`, and the head of the routine's source."""
    docstrings = inspect.getdoc(routine) or "", of_class
    try:
        source = inspect.getsource(inspect.unwrap(routine))
    except (OSError, TypeError, ValueError):  # it was made at run time
        return docstrings
    head = source.partition("):")[0]  # the signature, where shapes stand in comments
    lines = (
        f"{line.partition('#')[0].strip()} {line.partition('#')[2]}" for line in head.splitlines()
    )
    return (*docstrings, "\n".join(lines))


def _shapes(text: str, *, with_flag: bool = False) -> Iterator[tuple[str, str]]:
    """Yield each shape of a text as axes, and the words in front of it;
    or those that hold with a flag alone."""
    words = ""
    for shape in _SHAPE.finditer(text):
        axes = [_letter(part) for part in shape.group(1).strip(" ,").split(",")]
        if all(axes):
            before = text[: shape.start()]
            ends = [stop.end() for stop in _STOP.finditer(before)]
            sentence = before[ends[-1] if ends else 0 :]
            words = words if sentence.strip() == "or" else sentence
            if bool(_IF.search(before[-120:])) == with_flag:
                yield words, "".join(axes)


def _letter(part: str) -> str:
    word = part.strip(" `'\"").replace("self.", "")
    return next((letter for letter, pattern in _LETTERS if pattern.fullmatch(word)), "")
