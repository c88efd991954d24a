"""A convention in words, and as plain data."""

from dataclasses import fields
from typing import Any

from rotcheck.convention import Convention, order_words, role_of, shape
from rotcheck.results import Description, Way


def call_words(convention: Convention) -> str:
    """The call in words: `f(q, k, cos, sin)`."""
    names = {"table": f"{convention.tables} table"}
    return f"f({', '.join(names.get(role, role) for role in convention.called_with)})"


def table_words(convention: Convention) -> str:
    """Return form, axes and lanes of the tables: `repeated (B, S, D), cat(f, f)`."""
    lanes = convention.repeated_lanes
    axes = shape(convention.all_table_axes, "D" if lanes else "D/2")
    return f"{convention.tables} {axes}{order_words(lanes, ', ')}"


_DESCRIBED = Description.__struct_fields__
COMMON_FIELDS = [field.name for field in fields(Convention) if field.name in _DESCRIBED]
"""What a convention and its description have in common."""


def describe(convention: Convention) -> Description:
    """A convention as plain data: what does not apply to it is None."""
    roles = set(map(role_of, convention.called_with))
    told_theta = convention.takes_tables or convention.frequencies
    values: dict[str, Any] = {name: getattr(convention, name) for name in COMMON_FIELDS} | {
        "table_axes": convention.all_table_axes or None,
        "table_lanes": convention.repeated_lanes,
        "sections": convention.sections if "g" in convention.table_axes else None,
        "theta": None if told_theta else convention.theta,
        "rotates_v": convention.rotates_v if "v" in convention.slots else None,
        "position_axes": convention.position_axes if "positions" in roles else None,
        "ways": tuple(
            Way(layout=layout or None, table_axes=axes) for layout, axes in convention.ways
        ),
        "choices": dict(convention.choices),
    }
    return Description(
        kind="applies" if convention.takes_tables else "both",
        argument_order=convention.called_with,
        **values,
    )
