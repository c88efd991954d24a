"""The ways in which a function may be called: one of them may need fewer changes."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from rotcheck.convention import FORMS, LAYOUTS
from rotcheck.identify.swapping.conversion import PACKINGS
from rotcheck.results import Description, Way

_PLAIN_AXES = {
    layout.name: layout.axes
    for layout in LAYOUTS.values()
    if not layout.is_packed and set("shd") <= set(layout.axes)
}
_ROLES = ("cos", "sin", "table", "angles")


def variants(ours: Description, theirs: Description) -> Iterator[Description]:
    """Our convention as it is, in each further way to call it,
    and with keywords that suit the other."""
    for variant in (ours, with_choices(ours, theirs)):
        yield lined_up(variant, theirs)
        for way in variant.ways:
            if way.layout in (None, variant.layout) or not variant.choices:
                yield lined_up(_in_way(variant, way), theirs)


def _in_way(ours: Description, way: Way) -> Description:
    return replace(
        ours,
        layout=way.layout or ours.layout,
        table_axes=way.table_axes or ours.table_axes,
        position_axes=way.position_axes or ours.position_axes,
    )


def lined_up(ours: Description, theirs: Description) -> Description:
    """A convention that takes any layout as what it is in the other's:
    its tables line up with that."""
    axes = _PLAIN_AXES.get(theirs.layout or "")
    if ours.layout is not None or axes is None or not ours.takes_tables:
        return ours
    way = next((further for further in ours.ways if further.layout == theirs.layout), None)
    if way is not None:
        return _in_way(ours, way)
    table_axes = "".join(
        axis if axis == "s" else "w" if axis == "d" else "1" for axis in axes
    ).lstrip("1")
    return replace(ours, layout=theirs.layout, table_axes=table_axes)


def reference(theirs: Description, ours: Description) -> Description:
    """The other as it is held against ours: one that takes any layout, as ours is laid out,
    packed or not."""
    apart = PACKINGS.get(ours.layout or "", (ours.layout,))[0]
    return lined_up(theirs, replace(ours, layout=apart))


def layout_of_run(ours: Description, theirs: Description) -> dict[str, Any]:
    """The fields of a convention by which one that takes any layout is run beside ours:
    as ours is laid out."""
    reference_of_theirs = reference(theirs, ours)
    return (
        {"layout": reference_of_theirs.layout, "table_axes": reference_of_theirs.table_axes}
        if reference_of_theirs is not theirs
        else {}
    )


def with_choices(ours: Description, theirs: Description) -> Description:
    """Our convention with the keywords that make it most like the other's,
    as arguments of the call."""
    fields, keywords = dict[str, object](), list[str]()
    for name, values in ours.choices.items():
        keyword, _, field = name.partition("=")
        value = getattr(theirs, field or keyword)
        if str(value) in values and value != getattr(ours, field or keyword):
            fields[field or keyword] = value
            keywords.append(f"{keyword}={value!r}")
    if not fields:
        return ours
    variant = replace(ours, **fields)
    full = variant.tables in FORMS and FORMS[variant.tables].repeats
    roles = _roles(ours.argument_order, variant, is_packed=variant.layout == "qkv")
    return replace(
        variant,
        table_lanes=variant.pairing if full else None,
        argument_order=(*roles, *keywords),
    )


def _roles(arguments: tuple[str, ...], variant: Description, *, is_packed: bool) -> list[str]:
    """The arguments with the tables that the form has,
    and a packed tensor where the layout is packed."""
    tables = FORMS[variant.tables].roles if variant.tables in FORMS else ("table",)
    others_roles = [
        "qkv" if is_packed and role in ("x", "qkv") else role
        for role in arguments
        if role not in _ROLES
    ]
    return [others_roles[0], *tables, *others_roles[1:]]
