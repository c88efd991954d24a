"""A convention in words, and as plain data."""

from rotcheck.convention import Convention, Pairing, role_of
from rotcheck.identify.swapping.likeness import order_words
from rotcheck.results import Described, Kind, Way
from rotcheck.rotary.tables import AXES

_AXES = {
    "b": "B",
    "s": "S",
    "3": "3",
    "h": "H",
    "d": "D",
    "e": "H*D",
    "f": "3*D",
    "g": "3",
    "1": "1",
    "w": "W",
}


def shape_words(axes: str, lanes: str = "W") -> str:
    """Return axes as a shape: `(B, S, 1, D)`."""
    return f"({', '.join(_AXES[axis] if axis != 'w' else lanes for axis in axes)})"


def call_words(convention: Convention) -> str:
    """Return the call in words: `f(q, k, cos, sin)`."""
    names = {"table": f"{convention.tables} table"}
    return f"f({', '.join(names.get(role, role) for role in convention.called_with)})"


def table_words(convention: Convention) -> str:
    """Return form, axes and lanes of the tables: `repeated (B, S, D), cat(f, f)`."""
    lanes = full_lanes(convention)
    axes = convention.table_axes or AXES[convention.tables]
    return f"{convention.tables} {shape_words(axes, 'D' if lanes else 'D/2')}{order_words(lanes, ', ')}"


def full_lanes(convention: Convention) -> Pairing | None:
    """Return in which order full-width tables repeat; None for tables that do not."""
    full = convention.tables in ("repeated", "packed", "angles-repeated")
    return (convention.table_lanes or convention.pairing) if full else None


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
        table_axes=convention.table_axes or AXES.get(convention.tables),
        table_lanes=full_lanes(convention),
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
