"""Fits a grid into the width of a screen: all devices beside each other, else below each other, never cut."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rotcheck.report.grid import ASCII, Block, Grid, Marks
from rotcheck.report.text import clean

GAP = 2  # columns between two columns of a table
SHORTEST_NAME = 24
ASCII_HEAD = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
STYLES = {"good": "green", "bad": "bold red", "note": "yellow", "none": "dim"}


@dataclass(frozen=True, slots=True)
class Fitted:
    """A grid as it fits: its names, and which blocks stand beside each other."""

    grid: Grid
    names: tuple[str, ...]  # as they are shown
    rows: tuple[tuple[Block, ...], ...]

    def texts(self) -> set[str]:
        """Return what stands in the fields."""
        return {
            entry.text
            for row in self.rows
            for block in row
            for line in block.rows
            for entry in line
        }


def fit(long: Grid, short: Grid, width: int, marks: Marks) -> Fitted:
    """Fit a grid into the width; `long` says more in each field than `short` and is taken where it fits."""
    names = _fitting_names(short, width, marks)
    room = width - max(map(cell_len, [short.head, *names])) - GAP
    rows = _rows(_chosen(long.blocks, short.blocks, room), room)
    return Fitted(short, tuple(names), tuple(map(tuple, rows)))


def draw(fitted: Fitted, marks: Marks) -> list[RenderableType]:
    """Return the tables, and behind them the full names of those that were cut."""
    tables = [_table(fitted.grid.head, fitted.names, row, marks) for row in fitted.rows]
    spaced = [part for table in tables for part in (Text(), table)][1:]
    pairs = zip(fitted.names, fitted.grid.names, strict=True)
    told = [Text(f"{name} is {full}") for name, full in pairs if name != full]
    return [Group(*spaced), *([Group(*told)] if told else [])]


def _fitting_names(grid: Grid, width: int, marks: Marks) -> list[str]:
    """Return the names, those cut at their beginning that would leave the table no room."""
    widest = max((min(_width(block), width // 2) for block in grid.blocks), default=0)
    longest = max(SHORTEST_NAME, width - widest - GAP)
    return [
        name if cell_len(name) <= longest else _tail(name, longest, marks.cut)
        for name in grid.names
    ]


def _tail(name: str, longest: int, cut: str) -> str:
    while cell_len(cut + name) > longest:
        name = name[1:]
    return cut + name


def _chosen(long: Sequence[Block], short: Sequence[Block], room: int) -> list[Block]:
    """Return each block in the form that fits: first all beside each other, else each by itself."""
    for form in (long, short):
        if _row_width(form) <= room:
            return list(form)
    pairs = zip(long, short, strict=True)
    fitting = [wide if _width(wide) <= room else narrow for wide, narrow in pairs]
    return [part for block in fitting for part in _split(block, room)]


def _split(block: Block, room: int) -> list[Block]:
    """Return the block, or as many as it takes when its dtypes do not fit beside each other."""
    parts: list[list[int]] = [[]]
    for column in range(len(block.columns)):
        if parts[-1] and _width(_part(block, [*parts[-1], column])) > room:
            parts.append([])
        parts[-1].append(column)
    return [_part(block, columns) for columns in parts]


def _part(block: Block, columns: Sequence[int]) -> Block:
    rows = tuple(tuple(row[column] for column in columns) for row in block.rows)
    return Block(block.title, tuple(block.columns[column] for column in columns), rows)


def _rows(blocks: Sequence[Block], room: int) -> list[list[Block]]:
    """Return which blocks stand beside each other."""
    rows: list[list[Block]] = [[]]
    for block in blocks:
        if rows[-1] and _row_width([*rows[-1], block]) > room:
            rows.append([])
        rows[-1].append(block)
    return rows


def _row_width(blocks: Sequence[Block]) -> int:
    return sum(map(_width, blocks)) + GAP * (len(blocks) - 1)


def _width(block: Block) -> int:
    columns = [
        max(map(cell_len, [name, *(row[at].text for row in block.rows)]))
        for at, name in enumerate(block.columns)
    ]
    return max(cell_len(block.title), sum(columns) + GAP * (len(columns) - 1))


def _table(
    head: str, names: Sequence[str], blocks: Sequence[Block], marks: Marks
) -> RenderableType:
    """Return one table: the names, and beside them a table for each device with the device above it."""
    outer = Table.grid(padding=(0, GAP, 0, 0))
    for _ in range(len(blocks) + 1):
        outer.add_column(no_wrap=True)
    first = _inner("", [head], marks)
    for name in names:
        first.add_row(Text(name))
    outer.add_row(first, *(_block(block, marks) for block in blocks))
    return outer


def _block(block: Block, marks: Marks) -> Table:
    table = _inner(block.title, block.columns, marks)
    for row in block.rows:
        table.add_row(*(Text(entry.text, style=STYLES[entry.tone]) for entry in row))
    return table


def _inner(title: str, columns: Sequence[str], marks: Marks) -> Table:
    table = Table(
        title=Text(title or " ", style="bold"),
        title_justify="left",
        box=ASCII_HEAD if marks is ASCII else box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, GAP - 1, 0, 0),  # the box adds the other one
        min_width=cell_len(title),
    )
    for column in columns:
        table.add_column(Text(column, style="dim"), no_wrap=True)
    return table


def verbatim(text: str, indent: int) -> RenderableType:
    """Return code as it is, a line a line however wide the screen: a line that is folded cannot be run."""
    lines = clean(text).strip("\n").splitlines()
    return Group(
        *(Text(" " * indent + line, "dim", no_wrap=True, overflow="ignore") for line in lines)
    )
