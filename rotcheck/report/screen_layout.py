"""Fits a grid into the width of a screen: all devices beside each other, else below each other,
never cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rotcheck.report.document import ELLIPSIS, Columns, Field, Grid, Tone
from rotcheck.report.text import clean

GAP = 2  # columns between two columns of a table
SHORTEST_NAME = 24
ASCII_HEAD = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
STYLES: dict[Tone, str] = {
    "good": "green",
    "bad": "red",
    "note": "yellow",
    "dim": "dim",
    "plain": "",
}

Spelling = Mapping[int, str | int | None]
"""What signs are written as, for `str.translate`."""


@dataclass(frozen=True, slots=True)
class ScreenLayout:
    """A grid as it fits: its names, and which groups of columns stand beside each other."""

    grid: Grid  # in the longest of the forms that were taken
    names: tuple[str, ...]  # as they are shown
    rows: tuple[tuple[Columns, ...], ...]


def fit(long: Grid, short: Grid, width: int, spelling: Spelling) -> ScreenLayout:
    """Fit a grid into the width; `long` says more in each field than `short` and
    is taken where it fits."""
    long, short = _spell(long, spelling), _spell(short, spelling)
    names = _fitting_names(short, width, ELLIPSIS.translate(spelling))
    room = width - max(map(cell_len, [short.head, *names])) - GAP
    groups = _choose(long.groups, short.groups, room)
    longest = long if any(group in long.groups for group in groups) else short
    return ScreenLayout(longest, tuple(names), tuple(map(tuple, _rows(groups, room))))


def draw(layout: ScreenLayout, *, ascii: bool) -> list[RenderableType]:
    """The tables, and behind them the full names of those that were cut."""
    tables = [_table(layout.grid.head, layout.names, row, ascii=ascii) for row in layout.rows]
    lines = [part for table in tables for part in (Text(), table)][1:]
    pairs = zip(layout.names, layout.grid.names, strict=True)
    full = [Text(f"{name} is {full}") for name, full in pairs if name != full]
    return [Group(*lines), *([Group(*full)] if full else [])]


def _spell(grid: Grid, spelling: Spelling) -> Grid:
    return replace(
        grid,
        groups=tuple(
            Columns(
                group.title.translate(spelling),
                group.names,
                tuple(
                    tuple(Field(field.text.translate(spelling), field.tone) for field in row)
                    for row in group.rows
                ),
            )
            for group in grid.groups
        ),
    )


def _fitting_names(grid: Grid, width: int, ellipsis: str) -> list[str]:
    """The names, those cut at their beginning that would leave the table no room."""
    widest = max((min(_width(group), width // 2) for group in grid.groups), default=0)
    longest = max(SHORTEST_NAME, width - widest - GAP)
    return [
        name if cell_len(name) <= longest else _tail(name, longest, ellipsis) for name in grid.names
    ]


def _tail(name: str, longest: int, ellipsis: str) -> str:
    while cell_len(ellipsis + name) > longest:
        name = name[1:]
    return ellipsis + name


def _choose(long: Sequence[Columns], short: Sequence[Columns], room: int) -> list[Columns]:
    """Each group in the form that fits: first all beside each other, else each by itself."""
    for form in (long, short):
        if _row_width(form) <= room:
            return list(form)
    pairs = zip(long, short, strict=True)
    fitting = [wide if _width(wide) <= room else narrow for wide, narrow in pairs]
    return [part for group in fitting for part in _split(group, room)]


def _split(group: Columns, room: int) -> list[Columns]:
    """The group, or as many as it takes when its columns do not fit beside each other."""
    if _width(group) <= room:
        return [group]
    parts: list[list[int]] = [[]]
    for column in range(len(group.names)):
        if parts[-1] and _width(_part(group, [*parts[-1], column])) > room:
            parts.append([])
        parts[-1].append(column)
    return [_part(group, columns) for columns in parts]


def _part(group: Columns, columns: Sequence[int]) -> Columns:
    rows = tuple(tuple(row[column] for column in columns) for row in group.rows)
    return Columns(group.title, tuple(group.names[column] for column in columns), rows)


def _rows(groups: Sequence[Columns], room: int) -> list[list[Columns]]:
    """Which groups stand beside each other."""
    rows: list[list[Columns]] = [[]]
    for group in groups:
        if rows[-1] and _row_width([*rows[-1], group]) > room:
            rows.append([])
        rows[-1].append(group)
    return rows


def _row_width(groups: Sequence[Columns]) -> int:
    return sum(map(_width, groups)) + GAP * (len(groups) - 1)


def _width(group: Columns) -> int:
    columns = [
        max(map(cell_len, [name, *(row[at].text for row in group.rows)]))
        for at, name in enumerate(group.names)
    ]
    return max(cell_len(group.title), sum(columns) + GAP * (len(columns) - 1))


def _table(
    head: str, names: Sequence[str], groups: Sequence[Columns], *, ascii: bool
) -> RenderableType:
    """One table: the names, and beside them a table for each device with the device above it."""
    outer = Table.grid(padding=(0, GAP, 0, 0))
    for _ in range(len(groups) + 1):
        outer.add_column(no_wrap=True)
    first = _inner("", [head], ascii=ascii)
    for name in names:
        first.add_row(Text(name))
    outer.add_row(first, *(_group(group, ascii=ascii) for group in groups))
    return outer


def _group(group: Columns, *, ascii: bool) -> Table:
    table = _inner(group.title, group.names, ascii=ascii)
    for row in group.rows:
        table.add_row(*(Text(field.text, style=STYLES[field.tone]) for field in row))
    return table


def _inner(title: str, columns: Sequence[str], *, ascii: bool) -> Table:
    table = Table(
        title=Text(title or " ", style="bold"),
        title_justify="left",
        box=ASCII_HEAD if ascii else box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, GAP - 1, 0, 0),  # the box adds the other one
        min_width=cell_len(title),
    )
    for column in columns:
        table.add_column(Text(column, style="dim"), no_wrap=True)
    return table


def verbatim(text: str, indent: int, style: str) -> RenderableType:
    """Code as it is, a line a line however wide the screen: a line that is folded cannot be run."""
    lines = clean(text).strip("\n").splitlines()
    return Group(
        *(Text(" " * indent + line, style, no_wrap=True, overflow="ignore") for line in lines)
    )
