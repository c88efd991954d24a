"""The decorator that declares how a function is called."""

from collections.abc import Sequence

from rotcheck.convention import role_named, role_of
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.calling.parameters import parameters


def declaration(match: Match, names: Sequence[str] = ()) -> str:
    """The line that declares a function's call; `names`: arguments whose role is unknown."""
    convention = match.convention
    parameter_names = [parameter.name for parameter in parameters(match.caller.function) or ()]
    roles = [
        "..."
        if (at < len(parameter_names) and parameter_names[at] in names)
        or (match.was_broadcast and role_named(role_of(role)).group == "table")
        else role
        for at, role in enumerate(convention.called_with)
    ]
    parts = [
        f'pairing="{convention.pairing}"',
        f'layout="{convention.layout}"',
        f'tables="{convention.tables}"',
    ]
    parts += [f'table_axes="{convention.table_axes}"'] if convention.table_axes else []
    parts += [] if convention.takes_tables else [f'positions="{convention.positions}"']
    arguments = ", ".join(f'"{role_text}"' for role_text in roles)
    parts.append(f"arguments=({arguments}{',' if len(roles) == 1 else ''})")
    return f"@rotcheck.declare({', '.join(parts)})"
