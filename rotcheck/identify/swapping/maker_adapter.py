"""Code of a function with the other's signature, that makes the other's tables by calling ours."""

import ast
import textwrap

from msgspec.structs import replace

from rotcheck.convention import role_named, role_of
from rotcheck.convention.calls import keyword_roles
from rotcheck.identify.swapping import conversion
from rotcheck.identify.swapping.call_lines import (
    NAME,
    OURS,
    apart,
    table_name,
    table_names,
)
from rotcheck.identify.swapping.conversion import Impossible, assignments
from rotcheck.results import Description

_NAMES = {
    "positions": "positions",
    "float": "positions",
    "S": "rows",
    "D": "width",
    "B": "batch",
    "x": "x",
}
_VALUES = {"float32": "torch.float32"}


def code(ours: Description, theirs: Description) -> str:
    """The function as code, in which ours is called `ours`. Raises `Impossible`."""
    parameters = [_parameter(*argument) for argument in keyword_roles(theirs.argument_order)]
    names = {
        _NAMES[role]: keyword or _NAMES[role]
        for keyword, role in keyword_roles(theirs.argument_order)
        if role in _NAMES
    }
    lines = [f"{name} = {keyword}" for name, keyword in names.items() if name != keyword]
    rows = "positions" in names and not _takes(ours, "positions")
    if _takes(ours, "positions") and "positions" not in names:
        if "rows" not in names:
            raise Impossible("the other is not told its rows")
        lines.append("positions = torch.arange(rows)")
    if rows and _takes(ours, "rows"):
        lines.append("rows = int(positions.max()) + 1")
    available = {*names, *(["positions"] if "rows" in names else []), *(["rows"] if rows else [])}
    lines.append(_receive(ours, f"{OURS}({_arguments(ours, theirs, available)})"))
    have = ours
    if rows:
        if ours.table_axes != "sw":
            raise Impossible("the rows of its table are not its first axis")
        lines.append(assignments(table_names(ours), "{}[positions]"))
        have = replace(ours, table_axes="sw" if theirs.table_axes == "sw" else ours.table_axes)
    lines += conversion.tables(replace(theirs, direction=1), replace(have, direction=1))
    factor = (theirs.amplitude or 1.0) / (ours.amplitude or 1.0)
    if factor != 1.0:
        lines.append(assignments(table_names(theirs), f"{factor!r} * {{}}"))
    text = textwrap.indent("\n".join([*lines, f"return {_result(theirs)}"]), "    ")
    return f"import torch\n\n\ndef {NAME}({', '.join(parameters)}):\n{text}\n"


def _takes(description: Description, name: str) -> bool:
    return any(_NAMES.get(role_of(argument)) == name for argument in description.argument_order)


def _parameter(keyword: str, role: str) -> str:
    name = _NAMES.get(role)
    if name is None:
        return f"{keyword or 'argument'}={_value(role)}"
    return keyword or name


def _value(role: str) -> str:
    """A constant as code: a number as it is, a dtype, or the name of a device."""
    try:
        ast.literal_eval(role)
    except (ValueError, SyntaxError):
        return _VALUES.get(role, repr(role))
    return role


def _arguments(ours: Description, theirs: Description, available: set[str]) -> str:
    arguments = []
    for keyword, role in keyword_roles(ours.argument_order):
        name = _NAMES.get(role)
        value = name if name in available else _value(role) if name is None else ""
        if role == "D" and not value and theirs.rotary_dim:
            value = str(theirs.rotary_dim)
        if not value:
            raise Impossible(f"the other is not given its {name}")
        arguments.append(f"{keyword}={value}" if keyword else value)
    return ", ".join(arguments)


def _receive(ours: Description, call: str) -> str:
    """The lines that take apart what ours gives back."""
    order = ours.order or ""
    if order in ("cos, sin", "sin, cos"):
        return f"{order} = {call}"
    if order == "one tensor":
        return f"{table_name(ours)} = {call}"
    return f"table = {call}\n{apart(order, 'table')}"


def _result(theirs: Description) -> str:
    order = theirs.order or ""
    return (
        table_name(theirs)
        if order == "one tensor"
        else role_named(order).argument
        if order[3:4] in "+|"
        else order
    )
