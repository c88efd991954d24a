"""A function held to the layout that its docstring speaks of."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rotcheck.convention import Convention, shape, split
from rotcheck.identify.calling import documented_shapes
from rotcheck.identify.calling.documented_layout import DocumentedLayout, documented_layout
from rotcheck.identify.calling.match import Match
from rotcheck.identify.calling.templates import TABLES
from rotcheck.identify.remarks import remark
from rotcheck.identify.telling.grounds import any_layout
from rotcheck.results import Remark


def others(found: Match, function: Callable[..., Any]) -> list[Convention]:
    """Return the further calls that fit, without those in another layout than a docstring says."""
    said = documented_layout(function)
    return [
        each.convention
        for each in found.alternatives
        if not said or each.convention.layout == said.layout
    ]


def to_layout(
    found: Match, function: Callable[..., Any]
) -> tuple[Match, tuple[Convention, Remark] | None]:
    """Return the call in the layout that is said, and where no call rotates in that, the contradiction.

    A contradiction: the call that is said, and the mistake that the function then makes.
    """
    said, own = documented_layout(function), found.convention
    if said is None or not found.exact or (said.layout == own.layout and not any_layout(found)):
        return found, None
    every = (replace(found, alternatives=()), *found.alternatives)
    fitting = next((each for each in every if each.convention.layout == said.layout), None)
    tables = _said_of_tables(function, own)
    shaped = [each.convention for each in every if each.convention.table_axes == tables]
    if fitting and shaped and all(each.layout != said.layout for each in shaped):
        return found, _elsewhere(said, shaped[0], f" with tables {shape(tables)}")
    if fitting:
        return replace(
            fitting, alternatives=tuple(each for each in every if each is not fitting)
        ), None
    meant = replace(own, layout=said.layout)
    if meant.axes.replace("b", "") == own.axes:
        rotated = f"{said.words}, and it rotates {shape(own.axes)}"
        words = f"later batch rows turn on from where the first one ends: {rotated}"
        return found, (meant, remark("per-batch", words, f"a call with {shape(meant.axes)}"))
    if sorted(split(meant.axes)) != sorted(split(own.axes)):
        return found, None
    return found, _elsewhere(said, own)


def _elsewhere(
    said: DocumentedLayout, own: Convention, tables: str = ""
) -> tuple[Convention, Remark]:
    """Return the call that is said, and that it turns along another axis in it; `tables`: their shape, where said."""
    meant = replace(own, layout=said.layout)
    words = (
        f"turns with the head, not the row: {said.words}, and it rotates {shape(own.axes)}{tables}"
    )
    return meant, remark("per-head", words, f"a call with {shape(meant.axes)}")


def _said_of_tables(function: Callable[..., Any], own: Convention) -> str:
    """Return the axes that are said of tables; empty: none are, or not the same of all."""
    roles = documented_shapes.axes_by_role(function, own.arguments)
    axes = {one.replace("d", "w") for role, one in roles.items() if role in TABLES}
    return axes.pop() if len(axes) == 1 else ""
