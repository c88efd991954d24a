"""A function held to the layout that its docstring speaks of."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rotcheck.convention import Convention, shape, split
from rotcheck.identify.calling import documented_shapes
from rotcheck.identify.calling.argument_roles import TABLES
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.calling.documented_layout import DocumentedLayout, documented_layout
from rotcheck.identify.calling.match_ranking import any_layout
from rotcheck.identify.remarks import remark
from rotcheck.results import Remark


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The call that a docstring speaks of, and the mistake that the function then makes."""

    convention: Convention
    mistake: Remark


def alternatives(match: Match, function: Callable[..., Any]) -> list[Convention]:
    """The further calls that fit, without those in another layout than a docstring says."""
    promise = documented_layout(function)
    return [
        alternative.convention
        for alternative in match.alternatives
        if not promise or alternative.convention.layout == promise.layout
    ]


def in_documented_layout(
    match: Match, function: Callable[..., Any]
) -> tuple[Match, Contradiction | None]:
    """The call in the layout that a docstring says, or the contradiction if none rotates so."""
    promise, convention = documented_layout(function), match.convention
    if promise is None or not match.exact:
        return match, None
    if promise.layout == convention.layout and not any_layout(match):
        return match, None
    calls = (replace(match, alternatives=()), *match.alternatives)
    fitting = next((call for call in calls if call.convention.layout == promise.layout), None)
    table_axes = _documented_table_axes(function, convention)
    conventions = [call.convention for call in calls if call.convention.table_axes == table_axes]
    if fitting and conventions and all(call.layout != promise.layout for call in conventions):
        tables = f" with tables {shape(table_axes)}"
        return match, _of_heads(promise, conventions[0], tables)
    if fitting:
        rest = tuple(call for call in calls if call is not fitting)
        return replace(fitting, alternatives=rest), None
    return match, _contradiction(promise, convention)


def _contradiction(documentation: DocumentedLayout, convention: Convention) -> Contradiction | None:
    """What contradicts a layout in which no call rotates; None: it is one of other axes."""
    promise = replace(convention, layout=documentation.layout)
    if promise.axes.replace("b", "") == convention.axes:
        message = (
            "later batch rows turn on from where the first one ends: "
            f"{documentation.words}, and it rotates {shape(convention.axes)}"
        )
        evidence = f"a call with {shape(promise.axes)}"
        return Contradiction(promise, remark("per-batch", message, evidence))
    if sorted(split(promise.axes)) != sorted(split(convention.axes)):
        return None
    return _of_heads(documentation, convention)


def _of_heads(
    documentation: DocumentedLayout, convention: Convention, tables: str = ""
) -> Contradiction:
    """Say that it turns along another axis in the documented call; `tables`: their shape."""
    promise = replace(convention, layout=documentation.layout)
    message = (
        f"turns with the head, not the row: {documentation.words}, "
        f"and it rotates {shape(convention.axes)}{tables}"
    )
    evidence = f"a call with {shape(promise.axes)}"
    return Contradiction(promise, remark("per-head", message, evidence))


def _documented_table_axes(function: Callable[..., Any], convention: Convention) -> str:
    """The axes that are said of tables; empty: none are, or not the same of all."""
    shapes = documented_shapes.axes_by_role(function, convention.arguments)
    axes = {shape.replace("d", "w") for role, shape in shapes.items() if role in TABLES}
    return axes.pop() if len(axes) == 1 else ""
