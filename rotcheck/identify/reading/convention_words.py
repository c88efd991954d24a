"""A convention in words, and as plain data."""

from rotcheck.convention import Convention, role_of, shape
from rotcheck.identify.swapping.likeness import order_words
from rotcheck.results import Described, Kind, Way


def call_words(convention: Convention) -> str:
    """Return the call in words: `f(q, k, cos, sin)`."""
    names = {"table": f"{convention.tables} table"}
    return f"f({', '.join(names.get(role, role) for role in convention.called_with)})"


def table_words(convention: Convention) -> str:
    """Return form, axes and lanes of the tables: `repeated (B, S, D), cat(f, f)`."""
    lanes = convention.repeated_lanes
    axes = shape(convention.all_table_axes, "D" if lanes else "D/2")
    return f"{convention.tables} {axes}{order_words(lanes, ', ')}"


def describe(convention: Convention) -> Described:
    """Return a convention as plain data."""
    own = convention.tables == "positions"
    kind: Kind = "both" if own else "applies"
    return Described(
        kind=kind,
        pairing=convention.pairing,
        direction=1 if convention.direction > 0 else -1,
        output_lanes=convention.output_lanes,
        layout=convention.layout,
        tables=convention.tables,
        table_axes=convention.all_table_axes or None,
        table_lanes=convention.repeated_lanes,
        sections=convention.sections if "g" in convention.table_axes else None,
        argument_order=convention.called_with,
        rotary_dim=convention.rotary_dim,
        blocks=convention.blocks,
        head_dim=convention.head_dim,
        theta=convention.theta if own and not convention.frequencies else None,
        frequencies=convention.frequencies,
        positions=convention.positions,
        rotates_v=convention.rotates_v if "v" in convention.slots else None,
        in_place=convention.in_place,
        position_axes=convention.position_axes
        if "positions" in map(role_of, convention.called_with)
        else None,
        ways=tuple(Way(layout=layout or None, table_axes=axes) for layout, axes in convention.ways),
        choices=dict(convention.choices),
    )
