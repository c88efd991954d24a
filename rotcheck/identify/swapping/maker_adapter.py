"""A maker of tables with the other's call, which makes the other's tables by calling ours."""

import ast
import textwrap

from msgspec.structs import replace

from rotcheck.convention import role_named, role_of
from rotcheck.identify.swapping import conversion
from rotcheck.identify.swapping.call_lines import (
    NAME,
    OURS,
    apart,
    table_name,
    table_names,
)
from rotcheck.identify.swapping.conversion import Impossible, each
from rotcheck.results import Described

_NAMES = {
    "positions": "positions",
    "float": "positions",
    "S": "rows",
    "D": "width",
    "B": "batch",
    "x": "x",
}
_VALUES = {"float32": "torch.float32"}


def code(ours: Described, theirs: Described) -> str:
    """The function as code, in which ours is called `ours`. Raises `Impossible`."""
    parameters = [_parameter(argument) for argument in theirs.argument_order]
    given = {
        _NAMES[role]: keyword or _NAMES[role]
        for keyword, role in map(_split, theirs.argument_order)
        if role in _NAMES
    }
    lines = [f"{name} = {keyword}" for name, keyword in given.items() if name != keyword]
    rows = "positions" in given and not _takes(ours, "positions")
    if _takes(ours, "positions") and "positions" not in given:
        lines.append("positions = torch.arange(rows)")
        _needs(given, "rows")
    if rows and _takes(ours, "rows"):
        lines.append("rows = int(positions.max()) + 1")
    known = {*given, *(["positions"] if "rows" in given else []), *(["rows"] if rows else [])}
    lines.append(_received(ours, f"{OURS}({_arguments(ours, theirs, known)})"))
    have = ours
    if rows:
        if ours.table_axes != "sw":
            raise Impossible("the rows of its table are not its first axis")
        lines.append(each(_tables(ours), "{}[positions]"))
        have = replace(ours, table_axes="sw" if theirs.table_axes == "sw" else ours.table_axes)
    lines += conversion.tables(replace(theirs, direction=1), replace(have, direction=1))
    factor = (theirs.amplitude or 1.0) / (ours.amplitude or 1.0)
    if factor != 1.0:
        lines.append(each(_tables(theirs), f"{factor!r} * {{}}"))
    text = textwrap.indent("\n".join([*lines, f"return {_returned(theirs)}"]), "    ")
    return f"import torch\n\n\ndef {NAME}({', '.join(parameters)}):\n{text}\n"


def _split(argument: str) -> tuple[str, str]:
    keyword, _, role = argument.rpartition("=")
    return keyword, role


def _takes(described: Described, name: str) -> bool:
    return any(_NAMES.get(role_of(argument)) == name for argument in described.argument_order)


def _needs(known: dict[str, str], name: str) -> None:
    if name not in known:
        raise Impossible(f"the other is not told its {name}")


def _parameter(argument: str) -> str:
    keyword, role = _split(argument)
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


def _arguments(ours: Described, theirs: Described, known: set[str]) -> str:
    shown = []
    for keyword, role in map(_split, ours.argument_order):
        name = _NAMES.get(role)
        value = name if name in known else _value(role) if name is None else ""
        if role == "D" and not value and theirs.rotary_dim:
            value = str(theirs.rotary_dim)
        if not value:
            raise Impossible(f"the other is not told its {name}")
        shown.append(f"{keyword}={value}" if keyword else value)
    return ", ".join(shown)


def _tables(described: Described) -> list[str]:
    return list(table_names(described))


def _received(ours: Described, call: str) -> str:
    """The lines that take apart what ours gives back."""
    order = ours.order or ""
    if order in ("cos, sin", "sin, cos"):
        return f"{order} = {call}"
    if order == "one tensor":
        return f"{table_name(ours)} = {call}"
    return f"table = {call}\n{apart(order, 'table')}"


def _returned(theirs: Described) -> str:
    order = theirs.order or ""
    return (
        table_name(theirs)
        if order == "one tensor"
        else role_named(order).argument
        if order[3:4] in "+|"
        else order
    )
