"""The ways in which one function may be called, of which one may need less to be changed."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from rotcheck.convention import FORMS, LAYOUTS
from rotcheck.identify.swapping.conversion import PACKED
from rotcheck.results import Described, Way

_PLAIN_AXES = {
    layout.name: layout.axes
    for layout in LAYOUTS.values()
    if not layout.is_packed and set("shd") <= set(layout.axes)
}
_ROLES = ("cos", "sin", "table", "angles")


def variants(ours: Described, theirs: Described) -> Iterator[Described]:
    """Our convention as it is, in each further way to call it, and with keywords chosen for the other."""
    for one in (ours, chosen(ours, theirs)):
        yield lined_up(one, theirs)
        for way in one.ways:
            if way.layout in (None, one.layout) or not one.choices:
                yield lined_up(_in_way(one, way), theirs)


def _in_way(ours: Described, way: Way) -> Described:
    return replace(
        ours,
        layout=way.layout or ours.layout,
        table_axes=way.table_axes or ours.table_axes,
        position_axes=way.position_axes or ours.position_axes,
    )


def lined_up(own: Described, other: Described) -> Described:
    """A convention that takes any layout as what it is in the other's: its tables line up with that."""
    axes = _PLAIN_AXES.get(other.layout or "")
    if own.layout is not None or axes is None or own.tables == "positions":
        return own
    way = next((one for one in own.ways if one.layout == other.layout), None)
    if way is not None:
        return _in_way(own, way)
    aligned = "".join(axis if axis == "s" else "w" if axis == "d" else "1" for axis in axes).lstrip(
        "1"
    )
    return replace(own, layout=other.layout, table_axes=aligned)


def reference(other: Described, own: Described) -> Described:
    """The other as it is held against ours: one that takes any layout, as ours is laid out, packed or not."""
    apart = PACKED.get(own.layout or "", (own.layout,))[0]
    return lined_up(other, replace(own, layout=apart))


def layout_of_run(own: Described, other: Described) -> dict[str, Any]:
    """The fields of a convention by which one that takes any layout is run beside ours: as ours is laid out."""
    lined = reference(other, own)
    return {"layout": lined.layout, "table_axes": lined.table_axes} if lined is not other else {}


def chosen(ours: Described, theirs: Described) -> Described:
    """Our convention with the keywords that make it most like the other's, as arguments of the call."""
    fields, keywords = dict[str, object](), list[str]()
    for name, values in ours.choices.items():
        keyword, _, field = name.partition("=")
        value = getattr(theirs, field or keyword)
        if str(value) in values and value != getattr(ours, field or keyword):
            fields[field or keyword] = value
            keywords.append(f"{keyword}={value!r}")
    if not fields:
        return ours
    changed = replace(ours, **fields)
    full = changed.tables in FORMS and FORMS[changed.tables].repeats
    roles = _roles(ours.argument_order, changed, packed=changed.layout == "qkv")
    return replace(
        changed,
        table_lanes=changed.pairing if full else None,
        argument_order=(*roles, *keywords),
    )


def _roles(arguments: tuple[str, ...], changed: Described, *, packed: bool) -> list[str]:
    """The arguments with the tables that the form has, and a packed tensor where the layout is packed."""
    tables = FORMS[changed.tables].roles if changed.tables in FORMS else ("table",)
    kept = [
        "qkv" if packed and role in ("x", "qkv") else role
        for role in arguments
        if role not in _ROLES
    ]
    return [kept[0], *tables, *kept[1:]]
