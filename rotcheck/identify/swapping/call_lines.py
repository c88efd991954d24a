"""A call as code: the parameters of an adapter, and the arguments by which it calls ours."""

from rotcheck.convention import FORMS, ROLES, role_named
from rotcheck.convention.roles import of_group
from rotcheck.results import Described

NAME, OURS = "as_theirs", "ours"
TENSORS = of_group("tensor")
SIZES = {
    name: role.adapter for name, role in ROLES.items() if role.group == "size" and role.adapter
}


def call_of(described: Described, values: dict[str, str] | None = None) -> str:
    """The arguments of a call as code, each role by the name that it has in an adapter, or by its value."""
    known = {
        "table": table_name(described),
        "axis": str((described.layout or "bshd").find("s")),
    }
    shown = []
    for argument in described.argument_order:
        keyword, equals, role = argument.rpartition("=")
        if keyword and role == "offset" and (values or {}).get("offset") == "0":
            continue  # its default
        value = (values or {}).get(role) or known.get(role) or role_named(role).argument
        shown.append(f"{keyword}{equals}{value}")
    return ", ".join(shown)


def table_names(described: Described) -> tuple[str, ...]:
    """What the tensors of its tables are called in an adapter."""
    return FORMS[described.tables].variables if described.tables in FORMS else ("table",)


def table_name(described: Described) -> str:
    """What one tensor of tables is called in an adapter."""
    return table_names(described)[0]


def signature(described: Described) -> tuple[str, list[str], dict[str, str]]:
    """The parameters of the other's call, the lines that name what they are, and sizes that are given."""
    shown, lines, sizes = [], [], {}
    for at, argument in enumerate(described.argument_order):
        keyword, _, role = argument.rpartition("=")
        joint = "tables" if role[:1] in "[(" else "table"
        plain = {"table": table_name(described)}.get(role, role)
        kind = role_named(role)
        if kind.group in ("tensor", "table", "place") and not kind.parts:
            name = keyword or plain
            lines += [f"{plain} = {name}"] if name != plain else []
            shown.append(f"{name}=0" if keyword and role == "offset" else name)
        elif role in SIZES:
            shown.append(keyword or SIZES[role])
            sizes[SIZES[role]] = keyword or SIZES[role]
        elif kind.parts:
            shown.append(keyword or joint)
            lines.append(apart(role, keyword or joint))
        else:
            name = keyword or f"argument_{at + 1}"
            shown.append(f"{name}={role}" if keyword and role != "axis" else name)
    return ", ".join(shown), lines, sizes


def apart(role: str, name: str) -> str:
    """The line that takes cos and sin out of an argument that holds both."""
    kind = role_named(role)
    return f"{', '.join(kind.parts) or role} = {kind.unpacking.format(name)}"


def registered_lines(name: str, device: str) -> str:
    """The lines that load an implementation by its registered name, as rotcheck does."""
    imported = "from rotcheck.implementations.target import resolve"
    return f'{imported}\n\n{OURS} = resolve("{name}", "{device}").function'
