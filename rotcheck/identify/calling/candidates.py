"""Conventions to try for a template: layouts, forms of the tables and where their axes lie, likeliest first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rotcheck.convention import FORMS, LAYOUTS, Convention, role_of
from rotcheck.identify.calling.templates import TABLES, TENSORS, Template

PLAIN_LAYOUTS = tuple(layout.name for layout in LAYOUTS.values() if not layout.packed)
COORDINATE_AXES = (
    "bs2",
    "s2",
    "bs3",
    "3bs",
    "s3",
    "3s",
)  # axes of positions that are points of an image or a film
GRID_TABLE_AXES = (
    "gbsw",
    "gsw",
    "g1sw",
)  # three tables, for time, height and width, of which sections take their parts
PACKED_LAYOUTS = tuple(layout.name for layout in LAYOUTS.values() if layout.packed)

TRIED_FORMS = [form for form in FORMS.values() if not form.slotted]
PAIR_FORMS = tuple(form.name for form in TRIED_FORMS if form.separate)
LONE_FORMS = tuple(form.name for form in TRIED_FORMS if not form.separate)


def candidates(template: Template) -> Iterator[list[Convention]]:
    """Yield conventions to try, those of one form of tables at a time.

    Pairing and the rest of what the response will tell stand at their defaults.
    """
    roles = set(map(role_of, template))
    layouts = PACKED_LAYOUTS if "qkv" in roles else PLAIN_LAYOUTS
    if "cu_seqlens" in roles:  # which tells where each of several sequences begins
        layouts = tuple(name for name in layouts if LAYOUTS[name].joins_rows)
    if not roles & set(TABLES):
        yield [
            _without_tables(template, layout, axes)
            for layout in layouts
            for axes in _position_axes(roles)
        ]
        if "positions" in roles:
            yield [
                _without_tables(template, layout, axes)
                for layout in layouts
                for axes in COORDINATE_AXES
            ]
        return
    # as wide as a head, nearly always: each of the two has half of its lanes
    joined = "cos+sin" in roles
    for form in LONE_FORMS if "table" in roles else PAIR_FORMS[::-1] if joined else PAIR_FORMS:
        yield [
            made
            for layout in layouts
            for axes in (
                GRID_TABLE_AXES if "sections" in roles else table_axes(LAYOUTS[layout].axes)
            )
            for positions in (_position_axes(roles) if "positions" in roles else ("bs",))
            for made in [_with_tables(template, layout, form, axes, positions)]
        ]


def documented_first(
    conventions: Sequence[Convention], told: Mapping[str, str], *, few: bool
) -> list[Convention]:
    """Return conventions with those first that have the axes which are told of their arguments.

    `few`: where calls are slow, with the commonest axes of tables alone.
    """
    tables = {_lanes(axes) for role, axes in told.items() if role not in (*TENSORS, "positions")}
    layout, positions = single_layout(told), told.get("positions")
    usual = ["sw", "1sw", "bsw", *tables]

    def common(one: Convention) -> bool:
        slotted = "3" in one.table_axes  # as SEDD hands them over: v's slot turns nothing
        return one.tables == "positions" or slotted or one.table_axes in usual

    kept = [each for each in conventions if not few or common(each)] or list(conventions)

    def departs(one: Convention) -> tuple[bool, bool, bool]:
        return (
            layout is not None and one.axes != layout,
            bool(tables) and one.tables != "positions" and one.table_axes not in tables,
            positions is not None and one.position_axes != positions,
        )

    kept.sort(key=departs)
    sure = [each for each in kept if departs(each)[::2] == (False, False)]
    return sure if few and sure else kept


def documented_positions_first(
    groups: Iterable[list[Convention]], told: Mapping[str, str]
) -> list[list[Convention]]:
    """Return groups of conventions, first those with the axes that are told of positions."""
    positions = told.get("positions")
    return sorted(
        groups, key=lambda group: positions not in (None, *(one.position_axes for one in group))
    )


def single_layout(told: Mapping[str, str]) -> str | None:
    """Return the axes of q, k and v where they are told, and are those of a layout."""
    every = {axes for role, axes in told.items() if role in TENSORS}
    return (
        next(iter(every))
        if len(every) == 1 and every <= {one.axes for one in LAYOUTS.values()}
        else None
    )


def _lanes(axes: str) -> str:
    return axes.replace("d", "w").replace("h", "1")


def broadcast_axes(axes: str) -> str:
    """Return the axes of a table that lines up with a tensor's, for each position and slot its own."""
    own = {"s": "s", "3": "3", "d": "w", "e": "w", "f": "w"}
    return "".join(own.get(axis, "1") for axis in axes)


def table_axes(axes: str) -> list[str]:
    """Return where the axes of a table may lie for a tensor's, likeliest first."""
    full = broadcast_axes(axes)
    flat = full.replace("3", "1")
    batched = "".join("b" if axis == "b" else own for axis, own in zip(axes, flat))
    heads_apart = ["s1w", "1s1w"] if "e" in axes else []
    found = [
        full,
        full.lstrip("1"),
        flat,
        flat.lstrip("1"),
        "bsw",
        "1sw",
        "sw",
        batched,
        "s1w",
        "s11w",
        "11sw",
        *heads_apart,
    ]
    return [one for one in dict.fromkeys(found) if "b" not in one or "b" in axes]


def _position_axes(roles: set[str]) -> tuple[str, ...]:
    return ("bs", "s", "1s") if "positions" in roles else ("bs",)


def _without_tables(template: Template, layout: str, position_axes: str) -> Convention:
    roles = set(map(role_of, template))
    taken = (
        "any" if "positions" in roles else "offset" if roles & {"offset", "offsets"} else "from 0"
    )
    return Convention(
        pairing="half",
        layout=layout,
        tables="positions",
        arguments=template,
        positions=taken,
        position_axes=position_axes,
    )


def _with_tables(
    template: Template, layout: str, form: str, axes: str, position_axes: str
) -> Convention:
    packed = "packed" if form == "repeated" and "3" in axes else form
    return Convention(
        pairing="half",
        layout=layout,
        tables=packed,
        arguments=template,
        table_axes=axes,
        position_axes=position_axes,
    )
