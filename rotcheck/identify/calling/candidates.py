"""Conventions to try for a template: layouts, forms of the tables and where their axes lie,
likeliest first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from rotcheck.convention import FORMS, LAYOUTS, Convention, role_of
from rotcheck.convention.table_forms import NO_TABLES
from rotcheck.identify.calling.argument_roles import TABLES, TENSORS, Template
from rotcheck.identify.calling.documented_shapes import documented_tables, handed_axes

PLAIN_LAYOUTS = tuple(layout.name for layout in LAYOUTS.values() if not layout.is_packed)
# axes of positions that are points of an image or a film
COORDINATE_AXES = ("bs2", "s2", "bs3", "3bs", "s3", "3s")
# three tables, for time, height and width, of which sections take their parts
GRID_TABLE_AXES = ("gbsw", "gsw", "g1sw")
PACKED_LAYOUTS = tuple(layout.name for layout in LAYOUTS.values() if layout.is_packed)

TRIED_FORMS = [form for form in FORMS.values() if not (form.has_slots or form.exchanged)]
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
    convention = Convention("half", layouts[0], NO_TABLES.name, arguments=template)
    all_position_axes = ("bs", "s", "1s") if "positions" in roles else ("bs",)
    if not roles & set(TABLES):
        positions = (
            "any"
            if "positions" in roles
            else "offset"
            if roles & {"offset", "offsets"}
            else "from 0"
        )
        for several in (all_position_axes, COORDINATE_AXES if "positions" in roles else ()):
            if several:
                yield [
                    replace(convention, layout=layout, positions=positions, position_axes=axes)
                    for layout in layouts
                    for axes in several
                ]
        return
    # as wide as a head, nearly always: each of the two has half of its lanes
    of_pair = PAIR_FORMS[::-1] if "cos+sin" in roles else PAIR_FORMS
    for form in LONE_FORMS if "table" in roles else of_pair:
        yield [
            replace(
                convention,
                layout=layout,
                tables="packed" if form == "repeated" and "3" in axes else form,
                table_axes=axes,
                position_axes=position_axes,
            )
            for layout in layouts
            for axes in (
                GRID_TABLE_AXES if "sections" in roles else table_axes(LAYOUTS[layout].axes)
            )
            for position_axes in all_position_axes
        ]


def documented_first(
    conventions: Sequence[Convention], axes_by_role: Mapping[str, str], *, few: bool
) -> list[Convention]:
    """Conventions, first those whose arguments have the axes that a docstring gives them.

    `few`: where calls are slow, with the commonest axes of tables alone.
    """
    tables = documented_tables(axes_by_role)
    layout, positions = single_layout(axes_by_role), axes_by_role.get("positions")
    usual = ["sw", "1sw", "bsw", *tables]

    def common(convention: Convention) -> bool:
        has_slots = "3" in convention.table_axes  # as SEDD hands them over: v's slot turns nothing
        return not convention.takes_tables or has_slots or convention.table_axes in usual

    likely = [way for way in conventions if not few or common(way)] or list(conventions)

    def departs(convention: Convention) -> tuple[bool, bool, bool]:
        return (
            layout is not None and convention.axes != layout,
            bool(tables) and convention.takes_tables and not tables & handed_axes(convention),
            positions is not None and convention.position_axes != positions,
        )

    likely.sort(key=departs)
    sure = [way for way in likely if departs(way)[::2] == (False, False)]
    return sure if few and sure else likely


def documented_positions_first(
    groups: Iterable[list[Convention]], axes_by_role: Mapping[str, str]
) -> list[list[Convention]]:
    """Groups of conventions, first those whose positions have the axes that
    a docstring gives them."""
    positions = axes_by_role.get("positions")
    return sorted(
        groups,
        key=lambda group: (
            positions not in (None, *(convention.position_axes for convention in group))
        ),
    )


def single_layout(axes_by_role: Mapping[str, str]) -> str | None:
    """The axes that a docstring gives q, k and v, where these are those of one layout."""
    layouts = {axes for role, axes in axes_by_role.items() if role in TENSORS}
    return (
        next(iter(layouts))
        if len(layouts) == 1 and layouts <= {layout.axes for layout in LAYOUTS.values()}
        else None
    )


def broadcast_axes(axes: str) -> str:
    """The axes of a table that lines up with a tensor's,
    with an entry for each position and slot."""
    letters = {"s": "s", "3": "3", "d": "w", "e": "w", "f": "w"}
    return "".join(letters.get(axis, "1") for axis in axes)


def table_axes(axes: str) -> list[str]:
    """Where the axes of a table may lie for a tensor's, likeliest first."""
    full = broadcast_axes(axes)
    flat = full.replace("3", "1")
    with_batch = "".join("b" if axis == "b" else letter for axis, letter in zip(axes, flat))
    heads_apart = ["s1w", "1s1w"] if "e" in axes else []
    axes_to_try = [
        full,
        full.lstrip("1"),
        flat,
        flat.lstrip("1"),
        "bsw",
        "1sw",
        "sw",
        with_batch,
        "s1w",
        "s11w",
        "11sw",
        *heads_apart,
    ]
    return [axes_ for axes_ in dict.fromkeys(axes_to_try) if "b" not in axes_ or "b" in axes]
