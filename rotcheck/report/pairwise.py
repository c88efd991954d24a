"""The pairwise table: how far each two implementations are from each other."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from rotcheck.grouping import group_by
from rotcheck.report.document import Columns, Field, Grid, Legend, Listing, Section, Table
from rotcheck.report.text import figure, one_line
from rotcheck.results import Pair, Report

APART = 8.0  # rounding steps: two that each are right, to 4, are no further apart
LEGEND = (
    "Largest difference between the two, in rounding steps of the dtype; bit-identical: every element the "
    "same; same path: one code under two names, so nothing was compared."
)


def section(report: Report) -> Iterator[Section]:
    """The pairs as a document has them; nothing where none were compared."""
    if report.pairs:
        tables = [Table(grid) for grid in grids(report)]
        apart = [Listing("", reasons(report))] if reasons(report) else []
        yield Section("Pairwise", [*tables, Legend(LEGEND), *apart], aside=True)


def grids(report: Report) -> list[Grid]:
    """A table for each device, of the pairs that could be compared on it."""
    pairs = [pair for pair in _in_order(report) if pair.relation != "not comparable"]
    return [_grid(device, report, pairs) for device in dict.fromkeys(pair.device for pair in pairs)]


def reasons(report: Report) -> list[str]:
    """Why some pairs could not be compared, each reason once."""
    pairs = [pair for pair in _in_order(report) if pair.relation == "not comparable"]
    groups = group_by(pairs, lambda pair: one_line(pair.reason or "not comparable"))
    return [
        f"{', '.join(dict.fromkeys(_title(pair.device, report) for pair in group))}: {reason}"
        for reason, group in groups.items()
    ]


def _grid(device: str, report: Report, all_pairs: Sequence[Pair]) -> Grid:
    pairs = [pair for pair in all_pairs if pair.device == device]
    fields = {(_name(pair), pair.dtype): pair for pair in pairs}
    names = tuple(dict.fromkeys(map(_name, pairs)))
    dtypes = tuple(dict.fromkeys(pair.dtype for pair in pairs))
    rows = tuple(tuple(_entry(fields.get((name, dtype))) for dtype in dtypes) for name in names)
    return Grid("pair", names, (Columns(_title(device, report), dtypes, rows),))


def _in_order(report: Report) -> list[Pair]:
    """The pairs, both of them and both sides of each in the order of the cells."""
    places = {cell.implementation: at for at, cell in reversed(list(enumerate(report.cells)))}

    def order(pair: Pair) -> tuple[int, int]:
        return places.get(pair.first, 0), places.get(pair.second, 0)

    def put_in_order(pair: Pair) -> Pair:
        first, second = order(pair)
        return replace(pair, first=pair.second, second=pair.first) if first > second else pair

    return sorted(map(put_in_order, report.pairs), key=order)


def _name(pair: Pair) -> str:
    return one_line(f"{pair.first} - {pair.second}")


def _entry(pair: Pair | None) -> Field:
    if pair is None:
        return Field("-", "dim")
    if pair.relation == "differs" and pair.largest is not None:
        return Field(figure(pair.largest), "bad" if pair.largest > APART else "good")
    if pair.relation == "not comparable":
        return Field("-", "dim")
    return Field(pair.relation, "good" if pair.relation == "bit-identical" else "dim")


def _title(device: str, report: Report) -> str:
    stand_ins = {cell.device for cell in report.cells if cell.stand_in}
    return f"{device} (stand-in)" if device in stand_ins else device
