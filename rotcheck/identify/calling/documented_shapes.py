"""The shapes that a docstring or a comment gives a function's arguments: which call to try first."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import torch

from rotcheck.convention import Convention, role_of
from rotcheck.identify.calling.templates import TENSORS, Template, parameters

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


Fitting = TypeVar("Fitting", bound=HasConvention)


def documented_axes(function: Callable[..., Any]) -> dict[str, str]:
    """Return the axes of arguments, a letter each as in a layout, by their names.

    None where two are told, but for tables of one batch row or of each: `(1, S, D) or (B, S, D)`.
    """
    names = [parameter.name for parameter in parameters(function) or ()]
    told: dict[str, set[str]] = {}
    chosen: set[str] = set()  # by a flag: which of them holds is not told
    for text in _texts(function):
        chosen |= {axes for _, axes in _shapes(text, with_flag=True)}
        for before, axes in _shapes(text):
            for name in names:
                if re.search(rf"\b{re.escape(name.lstrip('*'))}\b", before):
                    told.setdefault(name, set()).add(axes)
    widest = {name: one for name, axes in told.items() if (one := _widest(axes))}
    return {name: axes for name, axes in widest.items() if not _contested(axes, chosen)}


def _widest(axes: set[str]) -> str | None:
    """Return the shape that has a row for each batch row where the others have one for all; None: they differ more."""
    alike = (one for one in axes if axes <= {one, one.replace("b", "1"), one.replace("b", "")})
    return next(alike, None)


def _contested(axes: str, others: set[str]) -> bool:
    """Return whether the same axes are told in another order as well."""
    return any(other != axes and sorted(other) == sorted(axes) for other in others)


def axes_by_role(function: Callable[..., Any], template: Template) -> dict[str, str]:
    """Return the axes that are told of what a call gives: by its role."""
    told = documented_axes(function)
    every = [parameter.name for parameter in parameters(function) or ()]
    found: dict[str, str] = {}
    for at, argument in enumerate(template):
        name = argument.rpartition("=")[0] or (every[at] if at < len(every) else "")
        if name in told:
            found[role_of(argument)] = told[name]
    return found


def documents_half_width(function: Callable[..., Any]) -> bool:
    """Return whether tables are said to be half as wide as a head: `cos, sin: (length, head_dim // 2)`."""
    names = [one.name for one in parameters(function) or () if _TABLE.search(one.name)]
    shapes = (found for text in _texts(function) for found in _SHAPE.finditer(text))
    before = [found.string[: found.start()] for found in shapes if _HALF.search(found.group(1))]
    return any(
        re.search(rf"\b{re.escape(name)}\b[^()]*$", text) for text in before for name in names
    )


def drop_batched_tables(found: Sequence[Fitting], told: Mapping[str, str]) -> list[Fitting]:
    """Return the calls that fit, without those whose tables have rows for each batch row where other tables are told.

    `told`: the axes of each role. A kernel that reads tables (S, W) takes larger ones too, and heeds their first rows.
    """
    tables = {axes for role, axes in told.items() if role not in (*TENSORS, "positions", "offsets")}
    if not tables or any("b" in axes for axes in tables):
        return list(found)
    return [each for each in found if "b" not in each.convention.table_axes] or list(found)


def _texts(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the docstrings and comments of a function, of a module's `forward`, and of its class."""
    called = function.forward if isinstance(function, torch.nn.Module) else function
    owner = getattr(called, "__self__", None)
    if not inspect.isroutine(called):
        called, owner = getattr(called, "__call__", called), called  # noqa: B004
    return _texts_of(called, (inspect.getdoc(type(owner)) or "") if owner is not None else "")


@lru_cache(maxsize=256)
def _texts_of(called: Callable[..., Any], of_class: str) -> tuple[str, ...]:
    """Return the docstring of a routine, what is said `of_class`, and the head of the routine's source."""
    said = inspect.getdoc(called) or "", of_class
    try:
        source = inspect.getsource(inspect.unwrap(called))
    except (OSError, TypeError, ValueError):  # it was made at run time
        return said
    head = source.partition("):")[0]  # the signature, where shapes stand in comments
    lines = (
        f"{line.partition('#')[0].strip()} {line.partition('#')[2]}" for line in head.splitlines()
    )
    return (*said, "\n".join(lines))


def _shapes(text: str, *, with_flag: bool = False) -> Iterator[tuple[str, str]]:
    """Yield each shape of a text as axes, and the words in front of it; or those that hold with a flag alone."""
    words = ""
    for found in _SHAPE.finditer(text):
        axes = [_letter(part) for part in found.group(1).strip(" ,").split(",")]
        if all(axes):
            before = text[: found.start()]
            ends = [stop.end() for stop in _STOP.finditer(before)]
            said = before[ends[-1] if ends else 0 :]
            words = words if said.strip() == "or" else said
            if bool(_IF.search(before[-120:])) == with_flag:
                yield words, "".join(axes)


def _letter(part: str) -> str:
    word = part.strip(" `'\"").replace("self.", "")
    return next((letter for letter, pattern in _LETTERS if pattern.fullmatch(word)), "")
