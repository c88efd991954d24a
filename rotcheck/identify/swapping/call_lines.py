"""A call as code: the parameters of an adapter, and the arguments by which it calls ours."""

from rotcheck.convention import FORMS, ROLES, role_named
from rotcheck.convention.roles import of_group
from rotcheck.results import Description

NAME, OURS = "as_theirs", "ours"
TENSORS = of_group("tensor")
SIZES = {
    name: role.adapter for name, role in ROLES.items() if role.group == "size" and role.adapter
}


def call_of(description: Description, values: dict[str, str] | None = None) -> str:
    """The arguments of a call as code, each role by the name that it has in an adapter,
    or by its value."""
    defaults = {
        "table": table_name(description),
        "axis": str((description.layout or "bshd").find("s")),
    }
    arguments = []
    for argument in description.argument_order:
        keyword, equals, role = argument.rpartition("=")
        if keyword and role == "offset" and (values or {}).get("offset") == "0":
            continue  # its default
        value = (values or {}).get(role) or defaults.get(role) or role_named(role).argument
        arguments.append(f"{keyword}{equals}{value}")
    return ", ".join(arguments)


def table_names(description: Description) -> tuple[str, ...]:
    """What the tensors of its tables are called in an adapter."""
    return FORMS[description.tables].variables if description.tables in FORMS else ("table",)


def table_name(description: Description) -> str:
    """What one tensor of tables is called in an adapter."""
    names = table_names(description)
    return names[0] if len(names) == 1 else "table"


def signature(description: Description) -> tuple[str, list[str], dict[str, str]]:
    """The parameters of the other's call, the lines that name what they are,
    and sizes that are given."""
    parameters, lines, sizes = [], [], {}
    for at, argument in enumerate(description.argument_order):
        keyword, _, role = argument.rpartition("=")
        joint = "tables" if role[:1] in "[(" else "table"
        plain = {"table": table_name(description)}.get(role, role)
        kind = role_named(role)
        if kind.group in ("tensor", "table", "place") and not kind.parts:
            name = keyword or plain
            lines += [f"{plain} = {name}"] if name != plain else []
            parameters.append(f"{name}=0" if keyword and role == "offset" else name)
        elif role in SIZES:
            parameters.append(keyword or SIZES[role])
            sizes[SIZES[role]] = keyword or SIZES[role]
        elif kind.parts:
            parameters.append(keyword or joint)
            lines.append(apart(role, keyword or joint))
        else:
            name = keyword or f"argument_{at + 1}"
            parameters.append(f"{name}={role}" if keyword and role != "axis" else name)
    return ", ".join(parameters), lines, sizes


def apart(role: str, name: str) -> str:
    """The line that takes cos and sin out of an argument that holds both."""
    kind = role_named(role)
    unpacking = kind.join.unpacking if kind.join else "{0}"
    return f"{', '.join(kind.parts) or role} = {unpacking.format(name)}"


def registered_lines(name: str, device: str) -> str:
    """The lines that load an implementation by its registered name, as rotcheck does."""
    module = "from rotcheck.implementations.target import resolve"
    return f'{module}\n\n{OURS} = resolve("{name}", "{device}").function'


def with_head(code: str, lines: str) -> str:
    """An adapter with the lines that import or build `ours` in front."""
    return code.replace("import torch\n", f"import torch\n\n{lines}\n", 1)


def import_code(specification: str, device: str, construction_text: str | None = None) -> str:
    """The lines that import or build a function that did not run here,
    by its specification without folders."""
    target, colon, name = specification.rpartition(":")
    module, first = target.removesuffix(".py"), name.partition(".")[0]
    if not colon:
        return registered_lines(specification, device)
    if construction_text or "." in name:
        expression = f"{construction_text}{name.removeprefix(first)}" if construction_text else name
        return f"from {module} import {first}\n\n{OURS} = {expression}"
    return f"from {module} import {name} as {OURS}"
